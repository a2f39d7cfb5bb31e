//! The hands of a person who has taken over, on the run's pointer and keyboard.
//!
//! karakurid sends nothing while an act of the script is carried out, and has recorded what it sends. What
//! cannot be carried out, as a key where no window has the keyboard, is left out: the person sees that.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use karakuri_protocol::desktop::PointerAct;
use karakuri_protocol::geometry::Point;
use karakuri_protocol::watch::{Done, Held, Input, Inputs, Key};
use karakuri_sandbox::link::{Link, LinkError};
use rustix::io::Errno;

use crate::x11::beside::Beside;
use crate::x11::chord::{Chord, ChordKey, Modifier};
use crate::x11::desktop::Desktop;
use crate::x11::error::X11Error;

/// Carries out what comes over one link.
#[derive(Debug)]
pub(crate) struct Person {
    link: Link,
}

impl Person {
    /// Takes orders of karakurid at the other end of `link`.
    pub(crate) fn new(link: Link) -> Self {
        Self { link }
    }
}

impl Beside for Person {
    fn fd(&self) -> BorrowedFd<'_> {
        self.link.as_fd()
    }

    fn act(&mut self, desktop: &mut Desktop) -> Result<bool, X11Error> {
        let inputs = match self.link.try_recv::<Inputs>() {
            Ok(Some((Inputs(inputs), _))) => inputs,
            Err(LinkError::Io(Errno::AGAIN)) => return Ok(true),
            _ => return Ok(false),
        };
        for input in &inputs {
            match carry_out(desktop, input) {
                Err(error @ X11Error::Connection(_)) => return Err(error),
                Err(_) => tracing::debug!("an input was left out"),
                Ok(()) => {}
            }
        }
        Ok(self.link.send(&Done {}, &[]).is_ok())
    }
}

fn carry_out(desktop: &mut Desktop, input: &Input) -> Result<(), X11Error> {
    let mut pointer = |at: &Point, act, button, held: &Held| {
        desktop.move_pointer(Some(*at))?;
        desktop.pointer_act(&act, button, names(held).as_deref())
    };
    match input {
        Input::Move { at } => desktop.move_pointer(Some(*at)).map(drop),
        Input::Press { button, at, held } => pointer(at, PointerAct::Down, *button, held),
        Input::Release { button, at, held } => pointer(at, PointerAct::Up, *button, held),
        Input::Scroll { direction, at, held } => {
            let act = PointerAct::Scroll { direction: *direction, ticks: 1 };
            pointer(at, act, Default::default(), held)
        }
        Input::Key { key, held } => desktop.press(&chord(*key, held), Duration::ZERO),
    }
}

fn modifiers(held: &Held) -> impl Iterator<Item = (Modifier, &'static str)> {
    [
        (held.ctrl, Modifier::CTRL, "ctrl"),
        (held.shift, Modifier::SHIFT, "shift"),
        (held.alt, Modifier::ALT, "alt"),
        (held.meta, Modifier::SUPER, "super"),
    ]
    .into_iter()
    .filter_map(|(is_held, modifier, name)| is_held.then_some((modifier, name)))
}

fn names(held: &Held) -> Option<String> {
    let names: Vec<_> = modifiers(held).map(|(_, name)| name).collect();
    (!names.is_empty()).then(|| names.join("+"))
}

fn chord(key: Key, held: &Held) -> Chord {
    let key = match key {
        Key::Character(character) => ChordKey::Character(character),
        Key::Symbol(symbol) => ChordKey::Symbol(symbol),
    };
    Chord { modifiers: modifiers(held).map(|(modifier, _)| modifier).collect(), key: Some(key) }
}
