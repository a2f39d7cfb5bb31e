//! A message passes through; it is never held. The only test of this program, because it measures
//! the whole process.
#![cfg(test)]

use std::io::{self, Read, Write};
use std::thread;

use karakuri_seal::{Class, Context, Identity, Sealer, open};

const LENGTH: u64 = 256 << 20;
/// Several frames, pipe and stack, but far from the message.
const GROWTH_KIB: u64 = 8 * 1024;

/// A recording that no one holds: byte `n` is the low byte of `n / 4096`.
fn byte_at(position: u64) -> u8 {
    (position / 4096).to_le_bytes()[0]
}

struct Recording {
    position: u64,
}

impl Read for Recording {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(LENGTH - self.position).unwrap();
        let count = buffer.len().min(left);
        for byte in &mut buffer[..count] {
            *byte = byte_at(self.position);
            self.position += 1;
        }
        Ok(count)
    }
}

struct Comparison {
    position: u64,
}

impl Write for Comparison {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for &byte in bytes {
            assert_eq!(byte, byte_at(self.position), "at {}", self.position);
            self.position += 1;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The most memory this process ever had, in KiB (proc_pid_status(5), `VmHWM`).
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn memory_does_not_grow_with_the_message() {
    let identity = Identity::generate("karakuri-test", "streaming").unwrap();
    let [tenant, site, run] = ["acme", "osaka-1", "1"].map(str::to_owned);
    let context = Context { tenant, site, run, class: Class::Evidence };
    let mut sealer = Sealer::new(context.clone(), &[identity.recipient().unwrap()]).unwrap();
    sealer.seal(&b"warm"[..], io::sink()).unwrap();
    let before = peak_kib();
    let (reader, writer) = io::pipe().unwrap();
    let sealing = thread::spawn(move || sealer.seal(Recording { position: 0 }, writer).unwrap());
    let mut comparison = Comparison { position: 0 };
    let opened = open(&[identity], Some(&context), reader, &mut comparison).unwrap();
    assert_eq!(comparison.position, LENGTH);
    assert_eq!(sealing.join().unwrap(), opened.summary);
    let growth = peak_kib() - before;
    assert!(growth < GROWTH_KIB, "{growth} KiB more for a message of {LENGTH} bytes");
}
