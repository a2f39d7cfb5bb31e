//! `make bench`: Karakuri beside what one would use without it, as a table and as `bench.json` in
//! the target directory. It reports and judges nothing; exit 1 means that it could not measure.

use std::process::ExitCode;

use karakuri_tests::bench::{Bench, BenchError, Peers, Report, require};
use karakuri_tests::programs;

const ROUNDS: u32 = 5;

fn main() -> ExitCode {
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("bench: {e}");
            ExitCode::FAILURE
        }
    }
}

/// What was measured before something failed is shown and written too.
fn measure() -> Result<(), BenchError> {
    require()?;
    let bench = Bench::new(Peers::start()?)?;
    let mut report = Report::default();
    let measured = rounds(&bench, &mut report);
    print!("{report}");
    let path = programs().with_file_name("bench.json");
    report.write(&path)?;
    println!("\nevery value: {}", path.display());
    measured
}

fn rounds(bench: &Bench, report: &mut Report) -> Result<(), BenchError> {
    bench.idle(report)?;
    bench.sandbox(report)?;
    bench.recording(report)?;
    bench.screens(report)?;
    for round in 1..=ROUNDS {
        eprintln!("bench: round {round} of {ROUNDS}");
        bench.round(report)?;
    }
    (0..ROUNDS).try_for_each(|_| bench.whole_run(report))
}
