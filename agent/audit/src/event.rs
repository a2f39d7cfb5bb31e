//! What can be recorded. Each event has typed fields; text from a script or a screen has no way in
//! but [`Redacted`] and [`Selector`], so that the log holds no personal data.
//!
//! A log outlives the program that wrote it: events are added, never renamed, and a reader that
//! does not know one still reads its record ([`crate::Record`]).

use karakuri_protocol::desktop::{Button, Direction, Effect, Via};
use karakuri_protocol::egress::AttemptOutcome;
use karakuri_protocol::job::Exit;
use karakuri_protocol::untrusted::Untrusted;
use serde::{Deserialize, Serialize};

use crate::digest::Sha256;

/// Characters of a selector that are kept.
const MAX_SELECTOR: usize = 256;

/// Who did or asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// karakurid.
    Daemon,
    /// karakuri-monitor.
    Monitor,
    /// karakuri-desktop.
    Desktop,
    /// A courier.
    Courier,
    /// karakuri-egress.
    Egress,
    /// The workflow script.
    Script,
    /// A person at the control socket or the terminal.
    User,
}

/// What kind of record it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// What runs and people do.
    Activity,
    /// A refused signature, a denied capability, a broken wall: can raise an alert.
    Security,
}

/// Text that is not recorded: how long it was, and its SHA-256 so that it can be recognised.
///
/// A short text can be guessed and compared with its hash, so this is no place for a secret: a
/// secret is recorded by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redacted {
    /// Its length in bytes of UTF-8.
    pub len: u64,
    /// Its SHA-256.
    pub sha256: Sha256,
}

impl Redacted {
    /// What is recorded of `text`.
    #[must_use]
    pub fn of(text: &Untrusted) -> Self {
        Self::of_bytes(text.danger_raw().as_bytes())
    }

    /// What is recorded of `bytes`.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self { len: bytes.len() as u64, sha256: Sha256::of(bytes) }
    }
}

/// The text of a target as the workflow gives it (`text:"Post"`), which an administrator needs to
/// understand an act. Control and invisible characters are escaped, 256 characters are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Selector(String);

impl Selector {
    /// The selector a script gave.
    #[must_use]
    pub fn new(selector: &Untrusted) -> Self {
        Self(selector.escaped(MAX_SELECTOR))
    }

    /// The text, safe to show.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a person does with the pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ManualAct {
    /// Presses a button.
    Press(Button),
    /// Releases one elsewhere than it was pressed.
    Drop(Button),
    /// Turns the wheel.
    Scroll(Direction),
}

/// What is recorded. The strings are ours: names, ids, rules; never text from outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", content = "data")]
#[non_exhaustive]
pub enum Event {
    /// A line that a crash had left half written was cut off the log.
    #[serde(rename = "log.repaired")]
    LogRepaired {
        /// What was cut off.
        cut: Redacted,
    },
    /// A run began.
    #[serde(rename = "run.started")]
    RunStarted {
        /// Name of the workflow.
        workflow: String,
        /// Its version.
        version: String,
        /// SHA-256 of the bundle.
        bundle: Sha256,
    },
    /// What a run may do was decided.
    #[serde(rename = "run.granted")]
    RunGranted {
        /// The permissions.
        permissions: Vec<String>,
    },
    /// An application asked for a connection.
    #[serde(rename = "network.attempt")]
    NetworkAttempt {
        /// To where, as it was asked for.
        destination: Selector,
        /// What came of it.
        outcome: AttemptOutcome,
    },
    /// A job was refused.
    #[serde(rename = "run.refused")]
    RunRefused {
        /// The rule that refused it.
        rule: String,
        /// Why.
        reason: String,
    },
    /// A person paused a run.
    #[serde(rename = "run.paused")]
    RunPaused {},
    /// A person let a paused run go on.
    #[serde(rename = "run.resumed")]
    RunResumed {},
    /// A person took over in the run's window: the script waits, and the person's pointer moves that of
    /// the run.
    #[serde(rename = "takeover.began")]
    TakeoverBegan {
        /// Their user id.
        uid: u32,
        /// Their name, where the machine knows one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<Selector>,
    },
    /// The person is about to press a button, to release it elsewhere, or to turn the wheel.
    #[serde(rename = "takeover.pointer")]
    TakeoverPointer {
        /// What.
        act: ManualAct,
        /// Where, x and y in physical pixels.
        at: (i32, i32),
    },
    /// The person is about to strike keys. Which ones is not recorded.
    #[serde(rename = "takeover.keys")]
    TakeoverKeys {
        /// How many.
        count: u32,
    },
    /// The person handed back, or the run ended meanwhile.
    #[serde(rename = "takeover.ended")]
    TakeoverEnded {
        /// Buttons pressed.
        clicks: u32,
        /// Keys struck.
        keys: u32,
    },
    /// A run ended.
    #[serde(rename = "run.finished")]
    RunFinished {
        /// How.
        outcome: Exit,
        /// Acts carried out.
        acts: u32,
        /// Artifacts sealed.
        artifacts: u32,
    },
    /// The script asked for something.
    #[serde(rename = "call.requested")]
    CallRequested {
        /// Number of the call in its run.
        call: u32,
        /// The method.
        method: String,
        /// On what.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target: Option<Selector>,
        /// All parameters.
        parameters: Redacted,
    },
    /// What the script asked for was refused.
    #[serde(rename = "call.refused")]
    CallRefused {
        /// The call.
        call: u32,
        /// The rule that refused it.
        rule: String,
        /// Why.
        reason: String,
    },
    /// An act is about to be carried out.
    #[serde(rename = "act.intended")]
    ActIntended {
        /// The call it answers.
        call: u32,
        /// The method.
        act: String,
        /// On what.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target: Option<Selector>,
        /// Where, x and y in physical pixels.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<(i32, i32)>,
        /// The text that is typed or pasted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<Redacted>,
        /// The name of the secret that is typed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        secret: Option<String>,
    },
    /// What became of an act.
    #[serde(rename = "act.observed")]
    ActObserved {
        /// The call it answers.
        call: u32,
        /// Its effect.
        effect: Effect,
        /// How it was seen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        via: Option<Via>,
        /// How long it took, in ms.
        ms: u32,
    },
    /// An artifact was sealed.
    #[serde(rename = "artifact.sealed")]
    ArtifactSealed {
        /// Its id in the run.
        id: String,
        /// Its class.
        class: String,
        /// The message's id, 64 hexadecimal digits.
        message_id: String,
        /// Bytes of the message.
        message_length: u64,
        /// SHA-256 of the message.
        message_sha256: Sha256,
    },
    /// A file is in the store.
    #[serde(rename = "artifact.delivered")]
    ArtifactDelivered {
        /// Its name in the run.
        file: String,
        /// The checksum that the store was asked for, with its kind before it.
        checksum: String,
        /// The version, of a store that keeps several.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<String>,
    },
    /// A file cannot be delivered until a person looks.
    #[serde(rename = "artifact.parked")]
    ArtifactParked {
        /// Its name in the run.
        file: String,
        /// Why, escaped.
        reason: String,
    },
    /// Files that are in the store have left the spool.
    #[serde(rename = "artifact.removed")]
    ArtifactRemoved {
        /// Their names in the run.
        files: Vec<String>,
    },
    /// Artifacts are about to be removed from the store: the time of their class is over.
    #[serde(rename = "artifact.expired")]
    ArtifactExpired {
        /// Their ids in the run.
        ids: Vec<String>,
    },
    /// Artifacts are about to be removed from a store: a person's data is erased. Whose is not recorded.
    #[serde(rename = "artifact.erased")]
    ArtifactErased {
        /// Their ids in the run.
        ids: Vec<String>,
    },
    /// A person's data is about to be written out in the clear. Whose is not recorded.
    #[serde(rename = "subject.exported")]
    SubjectExported {
        /// Places of the run that hold some.
        fields: u32,
    },
    /// The clock is so far ahead of the last look at what is kept that nothing was let expire.
    #[serde(rename = "retention.clock_doubted")]
    RetentionClockDoubted {
        /// By how many days.
        days: u32,
    },
    /// The spool was not as it was left.
    #[serde(rename = "spool.recovered")]
    SpoolRecovered {
        /// What was found.
        found: String,
        /// Whether something happened that no crash explains.
        alarm: bool,
    },
    /// A signature was refused.
    #[serde(rename = "security.signature_refused")]
    SignatureRefused {
        /// What was signed.
        subject: String,
        /// Why it was refused.
        reason: String,
    },
    /// The script asked for what its grant does not hold.
    #[serde(rename = "security.capability_denied")]
    CapabilityDenied {
        /// The call.
        call: u32,
        /// The capability that is missing.
        capability: String,
    },
    /// Something was stopped at a wall.
    #[serde(rename = "security.sandbox_violation")]
    SandboxViolation {
        /// The process.
        process: String,
        /// The layer that stopped it.
        layer: String,
        /// What it did.
        detail: String,
    },
    /// What came over a channel was no request.
    #[serde(rename = "security.protocol_violation")]
    ProtocolViolation {
        /// Who sent it.
        peer: Actor,
        /// What was wrong.
        reason: String,
        /// What was sent, as far as it was read.
        received: Redacted,
    },
    /// A file was not the pinned one.
    #[serde(rename = "security.asset_refused")]
    AssetRefused {
        /// Which file.
        asset: String,
        /// The pinned SHA-256.
        expected: Sha256,
        /// The SHA-256 found.
        found: Sha256,
    },
    /// A key is trusted from now on.
    #[serde(rename = "security.signer_added")]
    SignerAdded {
        /// Name of the key.
        key: String,
    },
}

impl Event {
    /// Its class: what its name begins with.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::SignatureRefused { .. }
            | Self::CapabilityDenied { .. }
            | Self::SandboxViolation { .. }
            | Self::ProtocolViolation { .. }
            | Self::AssetRefused { .. }
            | Self::SignerAdded { .. } => Class::Security,
            _ => Class::Activity,
        }
    }
}

/// A record in the making: everything but its place in the log and its time.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The run it belongs to, if any.
    pub run: Option<String>,
    /// Who did it.
    pub actor: Actor,
    /// What was done.
    pub event: Event,
}

/// An intent that can be recorded. Effects take it as `Recorded<T>`, which is the proof that it was.
pub trait IntoEntry {
    /// What the log says of it.
    fn entry(&self) -> Entry;
}

impl IntoEntry for Entry {
    fn entry(&self) -> Entry {
        self.clone()
    }
}
