//! The words Karakuri's processes say to each other, defined once.
//!
//! Pure data: no sockets, no files, no decisions. Raw input becomes one of these types at the edge
//! (`deny_unknown_fields` everywhere) and is never looked at as text again.
//!
//! - [`script`]: what a workflow script may ask (JSON-RPC 2.0, the frozen vocabulary of
//!   `workflows/openrpc.json`) and how it is answered.
//! - [`target`]: how a place on the screen is named.
//! - [`role`]: what the things there are for.
//! - [`desktop`]: karakurid → karakuri-desktop.
//! - [`recording`]: karakuri-desktop → karakurid, beside the replies; [`apng`]: what it carries.
//! - [`personal`]: what is masked as personal data, and what is told of it.
//! - [`auditor`]: `karakuri` ⇄ karakuri-courier of an auditor.
//! - [`courier`]: karakurid ⇄ karakuri-courier.
//! - [`egress`]: karakurid → karakuri-egress.
//! - [`event`]: news of a run's life, as a site's event bus has it.
//! - [`job`]: what starts a run, and the progress and outcome it reports.
//! - [`untrusted`]: text that came from a script, a screen, a model or a window title.
//! - [`watch`]: the window that shows a run, and what a person does in it.
//! - [`wording`]: what serde says of a value that does not fit, in plain words.

pub mod apng;
pub mod auditor;
pub mod courier;
pub mod desktop;
pub mod egress;
pub mod event;
pub mod geometry;
pub mod job;
pub mod personal;
pub mod recording;
pub mod role;
pub mod script;
pub mod target;
pub mod untrusted;
pub mod watch;
pub mod wording;
