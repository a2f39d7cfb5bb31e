//! What can be typed after `karakuri subject`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Opening;

/// Find, export or erase a person's data in all runs of a store, with the keys that open the class pii
///
/// The value that is looked for is read from stdin or a file, so that it stands in no command line and no
/// history. Exit code 0 also when it is nowhere; 36 when a run could not be searched.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  karakuri subject find < address.txt
  karakuri subject export --from address.txt --kind email --out DIR
  karakuri subject erase --from address.txt --store /mnt/copy-of-bucket --key acme/offline=offline.pem
  karakuri artifacts fetch all --auditor auditor.toml && karakuri subject erase --from address.txt --auditor auditor.toml")]
pub(crate) struct Subject {
    #[command(subcommand)]
    pub(crate) command: SubjectCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SubjectCommand {
    /// Where a value stands; it is not printed itself
    Find {
        #[command(flatten)]
        whom: Whom,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Write everything of a value to a directory, one JSON file for each run
    Export {
        #[command(flatten)]
        whom: Whom,
        /// Directory to write to; made if it is not there
        #[arg(long, short)]
        out: PathBuf,
    },
    /// Erase a value from all runs: its keys, every copy; recorded first, signed; with --auditor from the bucket too
    Erase {
        #[command(flatten)]
        whom: Whom,
        /// Also outputs of class pii that hold other personal values, which go with it
        #[arg(long)]
        with_outputs: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Whose data, and where.
#[derive(Debug, Args)]
pub(crate) struct Whom {
    /// The value itself; other users of this machine can see it here: leave it out and use stdin
    pub(crate) value: Option<String>,
    /// The file with the value; - is stdin
    #[arg(long, value_name = "FILE", default_value = "-", conflicts_with = "value")]
    pub(crate) from: PathBuf,
    /// What it is: email, phone, card, iban, my_number, name, address, or a pattern of site.toml; all that it
    /// can be if left out
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// A store: a disk, a copy of a bucket; the one in the state directory if left out
    #[arg(long, value_name = "DIR")]
    pub(crate) store: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) opening: Opening,
    /// A public key (PEM) whose signatures are believed, beside the one of this site
    #[arg(long, value_name = "FILE")]
    pub(crate) trust: Vec<PathBuf>,
}
