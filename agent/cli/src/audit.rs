//! `karakuri audit verify`: the chain of records, without the daemon.

use karakuri_protocol::job::Exit;

use crate::cli::{Audit, AuditCommand};
use crate::error::CliError;
use crate::site::Site;

pub(crate) fn run(arguments: &Audit) -> Result<Exit, CliError> {
    let AuditCommand::Verify(json) = &arguments.command;
    let path = Site::find()?.path().join("audit").join(karakuri_audit::FILE_NAME);
    let report = karakuri_audit::verify(&path).map_err(|e| CliError::NotVerified(e.to_string()))?;
    if json.json {
        let text = serde_json::to_string_pretty(&report);
        println!("{}", text.map_err(CliError::internal("writing JSON"))?);
    } else {
        for fault in &report.faults {
            println!("FAULT {fault}");
        }
        for note in &report.notes {
            println!("note  {note}");
        }
        let (records, security) = (report.records, report.security_events);
        println!("{}: {records} records, {security} of them security events", path.display());
        if let Some(head) = report.head {
            println!("head: record {} with SHA-256 {}", head.seq, head.hash);
            println!("records cut off after the head leave no trace here: keep heads elsewhere");
        }
    }
    Ok(if report.faults.is_empty() { Exit::Success } else { Exit::NotVerified })
}
