//! The audit log: what was decided and done, on disk before it is done, each record bound to the
//! one before.
//!
//! Owns the record format and its one file. [`Log::append`] is the only way to a [`Recorded`], and
//! effects demand a [`Recorded`]: no record, no act. [`verify`] reads a log without the daemon and
//! says exactly what is wrong with it.
//!
//! What it promises: alteration, loss and reordering of records before a head that left the machine
//! are found and named. What it cannot: whoever can write the file can drop its end or write it anew
//! from some record on, and only a head kept elsewhere ([`Head`], [`verify_to`]) shows it.
//!
//! The layout of a record stands at the head of `record.rs`.

mod canonical;
mod clock;
mod digest;
mod event;
mod file;
mod log;
mod record;
mod tail;
mod verify;

pub use canonical::to_canonical;
pub use digest::Sha256;
pub use event::{Actor, Class, Entry, Event, IntoEntry, ManualAct, Redacted, Selector};
pub use file::open_regular;
pub use log::{AuditError, FILE_NAME, Log, Recorded};
pub use record::{Head, MAX_LINE, Record};
pub use verify::{Fault, Note, VerifyError, VerifyReport, is_whole, verify, verify_to};
