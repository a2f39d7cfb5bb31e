//! `karakuri sandbox explain`: the policy the monitor would put up, in words or as JSON.

use std::collections::BTreeSet;
use std::path::Path;

use karakuri_protocol::egress::Destination;
use karakuri_sandbox::launch::LAYERS;
use karakuri_sandbox::monitor::{Event, Request, Sandbox, Script};
use karakuri_sandbox::policy::{Access, Control, Limits, Node, Payload, Policy, Profile};
use karakuri_workflow::grant::Grant;
use karakuri_workflow::manifest::{FILE_NAME, FilesAccess, Manifest};

use super::owner::{Monitor, Named, command};
use crate::cli::Explain;
use crate::error::CliError;
use crate::{output, workflow};

const MIB: u64 = 1024 * 1024;

/// Prints the policy.
pub(super) fn run(arguments: &Explain) -> Result<(), CliError> {
    let mut nested = Vec::new();
    let mut hosts = BTreeSet::new();
    let (sandbox, work_mb) = match &arguments.dir {
        Some(directory) => {
            let grant = grant(directory)?;
            nested.extend(grant.1.nested_sandbox().iter().cloned());
            hosts.extend(grant.1.network().iter().cloned());
            script(&grant)
        }
        None => {
            let limits = Named::new(&arguments.walls.limits)?;
            let words = ["/usr/bin/true".to_owned()];
            let command = command(&arguments.walls, &limits, &words)?;
            (Sandbox::Command(command), limits.get("work_mb"))
        }
    };
    let monitor = Monitor::start()?;
    let (event, _) = monitor.ask(&Request::Explain(sandbox))?;
    drop(monitor);
    let Event::Explained(policy) = event else {
        return Err(CliError::internal("talking to karakuri-monitor")("it answered out of turn"));
    };
    if arguments.json {
        let mut value =
            serde_json::to_value(&policy).map_err(CliError::internal("writing JSON"))?;
        value["applications_network"] =
            hosts.iter().map(ToString::to_string).collect::<Vec<_>>().into();
        output::json(&value)?;
    } else {
        let text = in_words(&policy, work_mb, &hosts) + &applications(&nested);
        output::line(text.trim_end());
    }
    Ok(())
}

/// A workflow under the grant of `karakuri run`.
fn grant(directory: &Path) -> Result<(Manifest, Grant), CliError> {
    let path = directory.join(FILE_NAME);
    let text = workflow::manifest(directory)?;
    let manifest = Manifest::parse(&text, &path.to_string_lossy())
        .map_err(|e| CliError::Usage(e.to_string()))?;
    let grant = Grant::decide(&manifest, &karakuri_workflow::policy::Policy::development())
        .map_err(|e| CliError::Usage(e.to_string()))?;
    Ok((manifest, grant))
}

/// The sandbox of its script.
fn script((manifest, grant): &(Manifest, Grant)) -> (Sandbox, u64) {
    let limits = Named::asked(grant.limits().clone());
    let (program, argument) = manifest.command();
    let script = Script {
        program,
        arguments: vec![argument],
        limits: Limits::of(|name| limits.get(name)),
        files: match grant.files() {
            FilesAccess::None => None,
            FilesAccess::Read => Some(Access::Read),
            FilesAccess::Write => Some(Access::ReadWrite),
        },
    };
    (Sandbox::Script(script), limits.get("work_mb"))
}

/// What is opened to applications that bring a sandbox of their own.
fn applications(nested: &[String]) -> String {
    if nested.is_empty() {
        return String::new();
    }
    format!(
        "applications with a sandbox of their own: {}\n  \
         these alone may make user, pid and network namespaces, chroot in them, filter their system\n  \
         calls further and write below /proc/self; mounts stay refused. More of the kernel can be\n  \
         reached that way: system calls app_nested in sandbox/src/seccomp/app.json\n",
        nested.join(", ")
    )
}

fn in_words(policy: &Policy, work_mb: u64, hosts: &BTreeSet<Destination>) -> String {
    let mut lines = Vec::new();
    if let Payload::Run { command, socket } = &policy.payload {
        let words = command.arguments.iter().map(String::as_str);
        let words: Vec<&str> = std::iter::once(command.program.as_str()).chain(words).collect();
        lines.push(format!("runs         {}", words.join(" ")));
        lines.push(format!("in           {}", command.directory));
        let set = command.environment.iter().map(|(name, value)| format!("{name}={value}"));
        lines.push(format!("environment  {}", set.collect::<Vec<_>>().join(" ")));
        let door = if *socket { "fd 3, its channel to the agent" } else { "none" };
        lines.push(format!("door         {door}"));
    }
    let account = policy.account.map_or_else(
        || "yours, in a user namespace (as root a run gets accounts of its own)".to_owned(),
        |account| format!("{} (of this run only)", account.uid),
    );
    lines.push(format!("account      {account}"));
    lines.push("network      none, not even loopback; no sockets can be made".to_owned());
    if !hosts.is_empty() {
        lines.push(
            "applications connect to, through a proxy of the run, by permissions.network"
                .to_owned(),
        );
        lines.extend(hosts.iter().map(|host| format!("  {host}")));
    }
    lines.push("files".to_owned());
    lines.extend(policy.tree.iter().filter_map(|node| file(node, work_mb)));
    lines.push("limits".to_owned());
    lines.extend(limits(policy));
    let list = match policy.profile {
        Profile::Script => "script.json",
        Profile::Application => "app.json",
        Profile::Desktop => "start.json",
    };
    lines.push(format!("system calls by name and argument: sandbox/src/seccomp/{list}"));
    lines.push("layers, in this order; if one cannot be put up nothing is started".to_owned());
    lines.push(format!(
        "  {:<12} {}",
        "namespaces", "mounts, processes, network, IPC, host name, cgroups"
    ));
    lines.extend(LAYERS.iter().map(|layer| format!("  {:<12} {}", layer.name, layer.purpose)));
    lines.join("\n")
}

fn file(node: &Node, work_mb: u64) -> Option<String> {
    let (what, cap) = match node {
        Node::Bind { access: Access::Read, .. } | Node::File { .. } => ("read", String::new()),
        Node::Bind { access: Access::ReadExecute, .. } => ("read, execute", String::new()),
        Node::Bind { access: Access::ReadWrite, .. } => ("read, write", format!("{work_mb} MiB")),
        Node::Tmpfs { bytes, files, .. } => {
            ("read, write", format!("{} MiB, {files} files", bytes / MIB))
        }
        Node::Dev { .. } => ("read, write", "null zero full random urandom shm".to_owned()),
        Node::Proc => ("read", "its own processes only".to_owned()),
        Node::Link { .. } => return None,
    };
    let target = node.target().display();
    Some(format!("  {what:<14} {target:<24} {cap}").trim_end().to_owned())
}

fn limits(policy: &Policy) -> Vec<String> {
    let Limits { cpu_s, cpu_percent, memory_bytes, file_bytes, open_files, processes } =
        policy.limits;
    let memory = memory_bytes / MIB;
    let (by, memory, share) = match &policy.control {
        Control::Cgroup { version, processors } => (
            format!("a cgroup (version {version})"),
            format!("{memory} MiB together, files in memory included"),
            if *processors {
                format!("{cpu_percent} % of a processor")
            } else {
                "all, as the cgroup has no controller of processors".to_owned()
            },
        ),
        Control::ProcessLimits { reason } => (
            format!("limits of each process, as there is no cgroup: {reason}"),
            format!("{memory} MiB of private memory for each process"),
            "all".to_owned(),
        ),
    };
    let rows = [
        ("enforced by", by),
        ("memory", memory),
        ("processors", share),
        ("cpu time", format!("{cpu_s} s for each process")),
        ("processes", processes.to_string()),
        ("file size", format!("{} MiB", file_bytes / MIB)),
        ("open files", open_files.to_string()),
    ];
    rows.map(|(name, value)| format!("  {name:<14} {value}")).to_vec()
}
