//! How fast artifacts are sealed: a whole message, with its hashes, beside the bare cipher on a buffer of
//! the same size, and beside OpenSSL's.

use std::io;
use std::process::Command;
use std::time::{Duration, Instant};

use aes_gcm::aead::KeyInit;
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AeadInOut, Aes256Gcm, Nonce};
use karakuri_seal::{Class, Context, Identity, Sealer};

use super::error::{BenchError, of};
use super::table::Report;

/// Bytes of plaintext.
const LENGTH: usize = 128 << 20;
const ROUNDS: u32 = 5;
/// A frame of the messages, which is what OpenSSL is given at a time.
const BLOCK: &str = "65536";

/// Seals and encrypts in turn.
pub(super) fn measure(report: &mut Report) -> Result<(), BenchError> {
    let mut plaintext = vec![0x5a; LENGTH];
    let mut sealer = sealer().ok_or_else(|| BenchError::Absent("data key".to_owned()))?;
    let cipher = Aes256Gcm::new(&[7; 32].into());
    for _ in 0..ROUNDS {
        let (sealed, ours) = timed(|| sealer.seal(plaintext.as_slice(), io::sink()).is_ok());
        let buffer = InOutBuf::from(plaintext.as_mut_slice());
        let (encrypted, theirs) =
            timed(|| cipher.encrypt_inout_detached(&Nonce::from([0; 12]), &[], buffer).is_ok());
        if !sealed || !encrypted {
            return Err(BenchError::Absent("sealed message".to_owned()));
        }
        let row = report.row("sealing 128 MiB", "MB/s").ours(speed(ours));
        row.peer("crate aes-gcm, one buffer, no hash", speed(theirs));
        let row = report.row("sealing 128 MiB, beside OpenSSL", "MB/s").ours(speed(ours));
        row.peer("openssl speed, 64 KiB at a time, no hash", openssl()?);
    }
    Ok(())
}

/// For one key, as during development.
fn sealer() -> Option<Sealer> {
    let name = |name: &str| name.to_owned();
    let (tenant, site, run) = (name("bench"), name("bench"), name("20261122T100000-a"));
    let context = Context { tenant, site, run, class: Class::Evidence };
    let recipient = Identity::generate("bench", "bench").ok()?.recipient().ok()?;
    Sealer::new(context, &[recipient]).ok()
}

fn timed<T>(act: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    (act(), start.elapsed())
}

/// Megabytes a second.
fn speed(time: Duration) -> f64 {
    LENGTH as f64 / 1e6 / time.as_secs_f64()
}

/// `openssl speed` for a second: `+F:25:AES-256-GCM:BYTES_A_SECOND`.
fn openssl() -> Result<f64, BenchError> {
    let arguments = ["speed", "-evp", "aes-256-gcm", "-bytes", BLOCK, "-seconds", "1", "-mr"];
    let output = Command::new("openssl").args(arguments).output().map_err(of("openssl"))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = stdout.lines().find(|line| line.starts_with("+F:"));
    let bytes = line.and_then(|line| line.rsplit(':').next()?.parse::<f64>().ok());
    let bytes = bytes.ok_or_else(|| BenchError::Absent("speed of openssl".to_owned()))?;
    Ok(bytes / 1e6)
}
