//! What is done again, and what never: README, "Trying again". The desk here is a list of answers.

#![cfg(test)]

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use karakuri_protocol::desktop::{Act, Effect, Hit, Question, Reply, Script, Seen, Via};
use karakuri_protocol::geometry::{Point, Rect};
use karakuri_protocol::script::{Call, CallError, ErrorKind};
use karakuri_verbs::{Acted, Answer, Desk, Picture, Settings, carry_out};
use serde_json::{Value, json};

const HERE: Rect = Rect { left: 10, top: 20, width: 30, height: 10 };
const THERE: Rect = Rect { left: 90, top: 20, width: 30, height: 10 };

/// Finds what `places` says, look after look, and acts with `effects`.
struct Scripted {
    places: Vec<Option<Rect>>,
    effects: Vec<Effect>,
    looks: u32,
    acts: Vec<(Option<Point>, Option<Seen>)>,
}

impl Desk for Scripted {
    type Error = CallError;

    async fn ask(&mut self, _question: Question) -> Result<Answer, CallError> {
        let hit = |rect: Rect| Hit {
            rect,
            at: rect.center(),
            text: None,
            confidence: 1.0,
            via: Via::Text,
        };
        let hits = self.places.remove(0).map(hit).into_iter().collect();
        self.looks += 1;
        let reply =
            Reply::Looked { hits, nearest: vec![], which: None, waited_ms: 0, look: self.looks };
        Ok(Answer { reply, picture: None })
    }

    async fn act(&mut self, act: Act, _via: Via) -> Result<Acted, CallError> {
        let Act::Pointer { at, seen, .. } = act else { panic!("not a click: {act:?}") };
        self.acts.push((at, seen));
        Ok(Acted { effect: self.effects.remove(0), changed: None, ms: 1, via: None })
    }

    async fn start(&mut self, _app: &str, _arguments: &[String]) -> Result<u32, CallError> {
        Err(self.out_of_turn())
    }

    async fn ended(&mut self, _program: u32) -> Result<Option<String>, CallError> {
        Ok(None)
    }

    async fn started(&mut self, _acted: &Acted) -> Result<(), CallError> {
        Ok(())
    }

    fn found(&mut self, _hit: &Hit) {}

    fn wants_pictures(&self) -> bool {
        false
    }

    fn keep(&mut self, _picture: Picture) -> Result<(), CallError> {
        Ok(())
    }

    fn out_of_turn(&self) -> CallError {
        CallError::new(ErrorKind::Internal, "out of turn")
    }
}

/// Clicks on a text; the answer, and the desk afterwards.
fn click(places: &[Option<Rect>], effects: &[Effect]) -> (Value, Scripted) {
    let call = json!({ "method": "click", "params": { "target": "text:Post" } });
    let call: Call = serde_json::from_value(call).unwrap();
    let (places, effects) = (places.to_vec(), effects.to_vec());
    let mut desk = Scripted { places, effects, looks: 0, acts: Vec::new() };
    let settings = Settings { wait_ms: 0, language: Script::Latin };
    let answer = at_once(carry_out(&mut desk, &call, settings)).unwrap();
    (answer, desk)
}

fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the desk waits for nobody"),
    }
}

#[test]
fn a_click_relies_on_what_its_look_has_seen() {
    let (answer, desk) = click(&[Some(HERE)], &[Effect::Confirmed]);
    assert_eq!((&answer["effect"], &answer["at"]), (&json!("confirmed"), &json!(HERE.center())));
    let seen = Seen { look: 1, rect: HERE, exact: true };
    assert_eq!(desk.acts, [(Some(HERE.center()), Some(seen))]);
}

#[test]
fn a_click_that_changed_nothing_is_not_repeated() {
    let (answer, desk) = click(&[Some(HERE)], &[Effect::SuspectedNoop]);
    assert_eq!(answer["effect"], "suspected_noop");
    assert_eq!((desk.looks, desk.acts.len()), (1, 1));
}

#[test]
fn a_target_that_moved_away_is_found_again_and_clicked_there() {
    let (answer, desk) = click(&[Some(HERE), Some(THERE)], &[Effect::Refused, Effect::Confirmed]);
    assert_eq!((&answer["effect"], &answer["at"]), (&json!("confirmed"), &json!(THERE.center())));
    let seen = Seen { look: 2, rect: THERE, exact: true };
    assert_eq!(desk.acts[1], (Some(THERE.center()), Some(seen)));
}

#[test]
fn a_target_that_blinks_where_it_is_is_clicked_once_it_was_found_twice() {
    let (_, desk) = click(&[Some(HERE), Some(HERE)], &[Effect::Refused, Effect::Confirmed]);
    let seen = Seen { look: 2, rect: HERE, exact: false };
    assert_eq!(desk.acts[1], (Some(HERE.center()), Some(seen)));
}

#[test]
fn a_target_that_is_gone_is_answered_refused() {
    let (answer, desk) = click(&[Some(HERE), None], &[Effect::Refused]);
    assert_eq!(answer["effect"], "refused");
    assert_eq!(desk.acts.len(), 1);
}

#[test]
fn a_target_that_never_rests_is_refused_in_the_end() {
    let places = [HERE, THERE].repeat(2).into_iter().map(Some).collect::<Vec<_>>();
    let (answer, desk) = click(&places, &[Effect::Refused; 4]);
    assert_eq!(answer["effect"], "refused");
    assert_eq!((desk.looks, desk.acts.len()), (4, 4));
}
