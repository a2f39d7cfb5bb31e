//! What can be typed after `karakuri artifacts`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::name_and_value;

#[derive(Debug, Args)]
pub(crate) struct Artifacts {
    #[command(subcommand)]
    pub(crate) command: ArtifactsCommand,
}

/// What opens messages, beside the key in the state directory.
#[derive(Debug, Default, Args)]
pub(crate) struct Opening {
    /// A private key, by the name that messages carry
    #[arg(long = "key", value_name = "NAMESPACE/NAME=FILE", value_parser = name_and_value)]
    pub(crate) keys: Vec<(String, String)>,
    /// A file like site.toml whose `[identity]` may decrypt: KMS is asked
    #[arg(long, value_name = "FILE")]
    pub(crate) auditor: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ArtifactsCommand {
    /// Name, class and size of every artifact of a run
    List(OfRun),
    /// The run's signed manifest
    Show(OfRun),
    /// Decrypt artifacts with the key in the state directory
    Decrypt {
        /// Id of a run, or `last`
        run: String,
        /// Which artifact; all if left out
        id: Option<String>,
        /// Directory to write to; made if it is not there
        #[arg(long, short, default_value = ".")]
        out: PathBuf,
        #[command(flatten)]
        opening: Opening,
    },
    /// Check that everything a run made is there as it was signed; needs no key
    Verify(Verify),
    /// Seal what a run left for other keys; only headers are written anew
    Rewrap(RewrapFor),
    /// Deliver what waits in the spool for the store
    Deliver(Deliver),
    Unmask(Unmask),
    Events(Events),
    Fetch(Fetch),
    Expire(Expire),
}

/// Fetch a run, with its news, from the bucket into the store of the state directory
///
/// What is there already is left as it is. Then the run is verified; keys given with --trust are kept if it is
/// right, as `import` does.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Example:
  karakuri artifacts fetch 20261122T101112345Z-0badcafe --auditor auditor.toml --trust osaka-1.pub.pem
  karakuri artifacts decrypt 20261122T101112345Z-0badcafe --auditor auditor.toml --out opened")]
pub(crate) struct Fetch {
    /// Id of a run, or `all`
    pub(crate) run: String,
    /// A file like site.toml whose `[identity]` may read the bucket
    #[arg(long, value_name = "FILE")]
    pub(crate) auditor: PathBuf,
    /// A public key (PEM) whose signatures are believed, beside the one of this site
    #[arg(long, value_name = "FILE")]
    pub(crate) trust: Vec<PathBuf>,
}

/// The news of a run that its site's event bus was told, one CloudEvent a line
///
/// An event is news and proves nothing: `verify` says what a run left.
#[derive(Debug, Args)]
pub(crate) struct Events {
    /// Id of a run, or `last`: the last one that there is news of
    pub(crate) run: String,
    /// A copy of a store; the one in the state directory if left out
    #[arg(long, value_name = "DIR")]
    pub(crate) store: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) opening: Opening,
}

/// Remove from the local store what is past its time by `[retention]` of site.toml; each run begins so
///
/// Each removal is in the audit log and in a signed record beside the run's manifest before a file goes.
/// Nothing that waits for a store is touched.
#[derive(Debug, Args)]
pub(crate) struct Expire {
    /// Believe the clock although it is more than 14 days ahead of the last look
    #[arg(long)]
    pub(crate) clock_is_right: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Deliver what waits in the spool for the store, as often as it takes; Ctrl-C ends it and loses nothing
#[derive(Debug, Args)]
pub(crate) struct Deliver {
    /// Also what was parked because the store did not take it
    #[arg(long)]
    pub(crate) parked: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// What the daemon logs
    #[arg(long, default_value = "error", value_name = "LEVEL",
          value_parser = ["error", "warn", "info", "debug"])]
    pub(crate) log: String,
}

/// Write a picture or an output with the personal data that was masked in it, which is sealed apart in the
/// class pii
///
/// A picture gets back the very pixels that were masked. The recording keeps nothing under its masks, and
/// what was masked in the log and the report is a list: unmask the artifact called log-personal. What was
/// erased stays masked.
#[derive(Debug, Args)]
pub(crate) struct Unmask {
    /// Id of a run, or `last`
    pub(crate) run: String,
    /// Which artifact
    pub(crate) id: String,
    /// Directory to write to; made if it is not there
    #[arg(long, short, default_value = ".")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) opening: Opening,
}

/// Check that everything a run made is there as it was signed; needs no key that opens anything
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Id of a run, or `last`
    pub(crate) run: String,
    /// A copy of a store, for example on a removable disk; the one in the state directory if left out
    #[arg(long, value_name = "DIR")]
    pub(crate) store: Option<PathBuf>,
    /// A public key (PEM) whose signatures are believed, beside the one of this site
    #[arg(long, value_name = "FILE")]
    pub(crate) trust: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Seal what a run left for other keys: new messages beside the old ones, and a signed record of which
/// became which. The bodies stay as they are, so do their hashes in the manifest
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  karakuri artifacts rewrap last --for karakuri/tenant-2027=tenant-2027.pub.pem
  karakuri artifacts rewrap last --for aws-kms-rsa/arn:aws:kms:REGION:ACCOUNT:key/ID=kms.pub.pem")]
pub(crate) struct RewrapFor {
    /// Id of a run, or `last`
    pub(crate) run: String,
    /// A public RSA key (PEM), by the name that messages carry
    #[arg(long = "for", required = true, value_name = "NAMESPACE/NAME=FILE", value_parser = name_and_value)]
    pub(crate) recipients: Vec<(String, String)>,
    #[command(flatten)]
    pub(crate) opening: Opening,
}

#[derive(Debug, Args)]
pub(crate) struct OfRun {
    /// Id of a run, or `last`
    pub(crate) run: String,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
