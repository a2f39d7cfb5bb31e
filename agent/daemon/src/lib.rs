//! karakurid: policy, run state, broker, sealing. It holds data keys while it seals, and never
//! forks, execs, speaks to a network or to an X server.
//!
//! [`app`] starts a run and ends with its exit code. The parts know nothing of each other; the
//! [`session`] composes them:
//!
//! - [`intake`]: a job and its bundle become typed values.
//! - [`broker`]: what the grant, the budget and the rate allow.
//! - [`confine`]: what karakurid itself can still reach.
//! - [`walls`]: karakurid's end of the monitor's link.
//! - [`display`]: X server, window manager, applications.
//! - [`desktop`]: karakuri-desktop, which sees and acts.
//! - [`recording`]: karakuri-desktop's recording, segment by segment; [`film`]: what is kept of it to be played.
//! - [`script`]: the script's channel and its output.
//! - [`personal`]: what is masked in texts. [`values`]: each personal value with a key of its own, and where it stands.
//! - [`keys`]: the run's data keys. [`evidence`]: sealing, the manifest. [`news`]: events for the site's bus.
//!   [`delivery`]: from the spool to the store.
//! - [`report`]: the run as one HTML page.

pub mod app;
pub mod broker;
pub mod clock;
pub mod config;
pub mod confine;
pub mod delivery;
pub mod desktop;
pub mod display;
pub mod end;
pub mod evidence;
pub mod film;
pub mod intake;
pub mod keys;
pub mod news;
pub mod personal;
pub mod recording;
pub mod report;
pub mod script;
pub mod session;
pub mod timeline;
pub mod values;
pub mod walls;
