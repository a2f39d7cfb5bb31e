//! What a recording costs: processor time of karakuri-desktop while a workflow types into an editor and
//! scrolls in it at a person's pace, with a recording and without, in turn. Nothing is read meanwhile.

use std::time::Duration;

use super::error::BenchError;
use super::run::{Mark, Run};
use super::table::Report;
use crate::{Agent, Workflow};

/// Runs of each kind.
const ROUNDS: u32 = 3;

/// Measures both kinds in turn.
pub(super) fn cost(agent: &Agent, report: &mut Report) -> Result<(), BenchError> {
    let with = Workflow::new(include_str!("office.py"));
    let without = Workflow::new(include_str!("office.py"))
        .manifest("entry = \"main.py\"", "entry = \"main.py\"\nrecording = false");
    for _ in 0..ROUNDS {
        let recorded = percent(agent, &with)?;
        let plain = percent(agent, &without)?;
        report
            .row("office desktop, recorded: karakuri-desktop", "% of a core")
            .ours(recorded)
            .peer("without a recording", plain);
        report.row("of which the recording", "% of a core").ours(recorded - plain);
    }
    Ok(())
}

/// The share of a core that karakuri-desktop uses between the two marks.
fn percent(agent: &Agent, workflow: &Workflow) -> Result<f64, BenchError> {
    let mut begin = None;
    let mut share = None;
    Run::follow(agent, workflow.path(), &[], |mark| {
        let Some(cpu) = cpu(&mark) else { return };
        match begin {
            None => begin = Some((mark.after, cpu)),
            Some((after, before)) => {
                let length = mark.after.saturating_sub(after).as_secs_f64();
                share = Some(100.0 * cpu.saturating_sub(before).as_secs_f64() / length);
            }
        }
    })?;
    share.ok_or_else(|| BenchError::Absent("two marks".to_owned()))
}

fn cpu(mark: &Mark) -> Option<Duration> {
    let desktop = mark.processes.iter().find(|process| process.name == "karakuri-desktop")?;
    Some(desktop.cpu())
}
