//! `make bench`: Karakuri beside what one would use without it, as a table and as `bench.json` in
//! the target directory. It reports and judges nothing; exit 1 means that it could not measure. With a word,
//! `bench data_plane`, one part alone.

use std::process::ExitCode;

use karakuri_tests::bench::{Bench, BenchError, Peers, Report, require};
use karakuri_tests::programs;

const ROUNDS: u32 = 5;

type Part = fn(&Bench, &mut Report) -> Result<(), BenchError>;
const PARTS: [(&str, Part); 6] = [
    ("idle", Bench::idle),
    ("sandbox", Bench::sandbox),
    ("recording", Bench::recording),
    ("screens", Bench::screens),
    ("data_plane", Bench::data_plane),
    ("rounds", interleaved),
];

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
    let wanted = std::env::args().nth(1);
    for (name, part) in PARTS.iter().filter(|(name, _)| wanted.as_ref().is_none_or(|w| w == name)) {
        eprintln!("bench: {name}");
        part(bench, report)?;
    }
    Ok(())
}

fn interleaved(bench: &Bench, report: &mut Report) -> Result<(), BenchError> {
    for round in 1..=ROUNDS {
        eprintln!("bench: round {round} of {ROUNDS}");
        bench.round(report)?;
    }
    (0..ROUNDS).try_for_each(|_| bench.whole_run(report))
}
