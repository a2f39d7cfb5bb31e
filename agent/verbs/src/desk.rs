//! What a call is carried out with.

use karakuri_protocol::desktop::{Act, Effect, Hit, Question, Reply, Via};
use karakuri_protocol::geometry::Rect;
use karakuri_protocol::personal::MaskedField;
use karakuri_protocol::script::CallError;

/// A picture as it left karakuri-desktop.
#[derive(Clone, Debug)]
pub struct Picture {
    /// Lossless WebP.
    pub webp: Vec<u8>,
    /// What was masked in it.
    pub masked: Vec<MaskedField>,
}

/// A reply of karakuri-desktop and the picture that came with it.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What it said.
    pub reply: Reply,
    /// What it showed.
    pub picture: Option<Picture>,
}

/// What became of an act.
#[derive(Clone, Debug)]
pub struct Acted {
    /// Its effect.
    pub effect: Effect,
    /// The rectangle that changed.
    pub changed: Option<Rect>,
    /// How long it took.
    pub ms: u32,
    /// The route it took, where that is not the one the call names.
    pub via: Option<Via>,
}

/// One call's way to the desktop. In a run it holds the approval of the call, without which it can
/// record no intent, and without a recorded intent there is no act.
#[expect(async_fn_in_trait, reason = "every user has one thread")]
pub trait Desk {
    /// Why a call has no result.
    type Error: From<CallError>;

    /// Asks what changes nothing.
    async fn ask(&mut self, question: Question) -> Result<Answer, Self::Error>;

    /// Acts, and keeps what is to be kept of it.
    async fn act(&mut self, act: Act, via: Via) -> Result<Acted, Self::Error>;

    /// Starts an application; the number it is known by here.
    async fn start(&mut self, app: &str, arguments: &[String]) -> Result<u32, Self::Error>;

    /// How an application that was started ended, in words, if it failed.
    async fn ended(&mut self, program: u32) -> Result<Option<String>, Self::Error>;

    /// An application has its window: that is the effect of its start.
    async fn started(&mut self, acted: &Acted) -> Result<(), Self::Error>;

    /// Takes note of what the call found.
    fn found(&mut self, hit: &Hit);

    /// Whether looks are to bring the picture that was looked at.
    fn wants_pictures(&self) -> bool;

    /// Keeps a picture beside the call.
    fn keep(&mut self, picture: Picture) -> Result<(), Self::Error>;

    /// The desktop answered something else than it was asked.
    fn out_of_turn(&self) -> Self::Error;
}
