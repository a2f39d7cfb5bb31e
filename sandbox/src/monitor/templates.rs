//! What each sandbox may reach: the policies, made from nothing but the request's typed fields.

use std::path::{Component, Path, PathBuf};

use super::{BUS_ADDRESS, PROXY_PORT, Script, host::Accounts};
use crate::policy::{Access, Account, Command, Control, Limits, Node, Payload, Policy, Profile};

/// Where our programs appear in a sandbox.
const BIN: &str = "/opt/karakuri/bin";
/// Where the socket of the display's bus lies, see [`BUS_ADDRESS`].
const BUS: &str = "/run/karakuri";
/// Our programs that run as the script: the interpreter of `steps.yaml`, and the front of an MCP client. The
/// script sees the run's own copy, as a mount tells where the thing mounted lies on the machine.
const AS_SCRIPT: [&str; 2] = ["karakuri-steps", "karakuri-mcp"];
/// Most arguments of a script's interpreter.
const MAX_ARGUMENTS: usize = 16;
const MIB: u64 = 1024 * 1024;

/// Most paths and variables that the owner of a command adds.
const MAX_ADDITIONS: usize = 256;
/// Limits of processes that are not the script's.
const ROOMY: Limits = Limits {
    cpu_s: 24 * 3600,
    cpu_percent: 6400,
    memory_bytes: 4096 * MIB,
    file_bytes: 1024 * MIB,
    open_files: 4096,
    processes: 4096,
};

/// Makes policies for the run in `run_root`.
#[derive(Debug)]
pub(super) struct Templates {
    pub(super) run_root: PathBuf,
    pub(super) programs: PathBuf,
    pub(super) accounts: Option<Accounts>,
    pub(super) control: Control,
}

impl Templates {
    /// For X server, window manager and applications.
    pub(super) fn display(&self, proxy: bool, nested: bool) -> Policy {
        let mut tree = system_tree("karakuri", self.account(|a| a.applications));
        if let Some(desktop) = self.account(|a| a.desktop) {
            // The bus looks up who connects; this one does, to ask what is shown.
            know(&mut tree, "karakuri-desktop", desktop);
        }
        for path in [
            "/etc/fonts",
            "/etc/gtk-3.0",
            "/etc/mime.types",
            "/etc/X11",
            "/etc/xdg",
            "/var/cache/fontconfig",
            "/etc/localtime",
        ] {
            push_if_there(&mut tree, path, Access::Read);
        }
        tree.push(Node::Dev { ptys: true });
        tree.push(self.own("x11", "/tmp/.X11-unix", Access::ReadWrite));
        tree.push(self.own("bus", BUS, Access::ReadWrite));
        tree.push(self.own("config", "/etc/karakuri", Access::Read));
        tree.push(self.own("home", "/home/karakuri", Access::ReadWrite));
        tree.push(self.own("files", "/files", Access::ReadWrite));
        let mut policy =
            self.policy(Profile::Application, |a| a.applications, tree, ROOMY, Payload::Serve);
        policy.proxy = proxy.then_some(PROXY_PORT);
        policy.nested = nested;
        policy
    }

    /// For karakuri-desktop.
    pub(super) fn desktop(&self, display: u32) -> Policy {
        let mut tree = system_tree("karakuri", self.account(|a| a.desktop));
        tree.push(Node::Dev { ptys: false });
        tree.push(self.own("x11", "/tmp/.X11-unix", Access::Read));
        tree.push(self.own("bus", BUS, Access::Read));
        tree.push(self.own("config", "/etc/karakuri", Access::Read));
        tree.push(self.program("karakuri-desktop"));
        let environment = [
            ("DISPLAY", format!(":{display}")),
            ("XAUTHORITY", "/etc/karakuri/xauthority".to_owned()),
            ("AT_SPI_BUS_ADDRESS", BUS_ADDRESS.to_owned()),
            ("HOME", "/tmp".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
        ];
        let command = Command {
            program: format!("{BIN}/karakuri-desktop"),
            arguments: Vec::new(),
            environment: environment.map(|(n, v)| (n.to_owned(), v)).to_vec(),
            directory: "/".to_owned(),
        };
        let payload = Payload::Run { command, socket: true };
        self.policy(Profile::Desktop, |a| a.desktop, tree, ROOMY, payload)
    }

    /// For the script.
    ///
    /// # Errors
    /// When the request names a program outside the two directories, or too many arguments.
    pub(super) fn script(&self, script: Script) -> Result<Policy, String> {
        let name = script.program.rsplit_once('/');
        let of_the_system =
            matches!(name, Some(("/usr/bin", name)) if !name.is_empty() && name != "..");
        if !of_the_system && own_program(&script).is_none() {
            let known = AS_SCRIPT.join(", ");
            return Err(format!("{:?} is not in /usr/bin or one of {known}", script.program));
        }
        if script.arguments.len() > MAX_ARGUMENTS {
            return Err(format!("more than {MAX_ARGUMENTS} arguments"));
        }
        Ok(self.script_sandbox(script, true))
    }

    /// For a command of the monitor's owner: the script's sandbox, with what the owner adds.
    ///
    /// # Errors
    /// When an addition would hide or replace a part of the sandbox.
    pub(super) fn command(&self, wanted: super::Command) -> Result<Policy, String> {
        let super::Command { script, environment, read_only } = wanted;
        if environment.len().max(read_only.len()) > MAX_ADDITIONS {
            return Err(format!("more than {MAX_ADDITIONS} variables or paths"));
        }
        let mut policy = self.script_sandbox(script, false);
        for path in read_only {
            if !path.is_absolute() || path.components().any(|c| c == Component::ParentDir) {
                return Err(format!("{} is not an absolute path without `..`", path.display()));
            }
            if let Some(hidden) = hidden_by(&policy.tree, &path) {
                return Err(format!("{} would hide {hidden} of the sandbox", path.display()));
            }
            let source =
                std::fs::canonicalize(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            policy.tree.push(Node::Bind { source, target: path, access: Access::ReadExecute });
        }
        if let Payload::Run { command, .. } = &mut policy.payload {
            for (name, value) in environment {
                command.environment.retain(|(known, _)| *known != name);
                command.environment.push((name, value));
            }
        }
        Ok(policy)
    }

    fn script_sandbox(&self, script: Script, socket: bool) -> Policy {
        let mut tree = system_tree("script", self.account(|a| a.script));
        push_if_there(&mut tree, "/etc/localtime", Access::Read);
        tree.push(Node::Dev { ptys: false });
        tree.push(self.own("bundle", "/bundle", Access::ReadExecute));
        tree.push(self.own("sdk", "/opt/karakuri/sdk", Access::Read));
        tree.push(self.own("work", "/work", Access::ReadWrite));
        match script.files {
            Some(Access::ReadWrite) => tree.push(self.own("files", "/files", Access::ReadWrite)),
            Some(_) => tree.push(self.own("files", "/files", Access::Read)),
            None => {}
        }
        if let Some(name) = own_program(&script) {
            tree.push(self.own(name, &script.program, Access::ReadExecute));
        }
        let environment = [
            ("PATH", "/usr/local/bin:/usr/bin:/bin"),
            ("HOME", "/work"),
            ("TMPDIR", "/tmp"),
            ("LANG", "C.UTF-8"),
            ("PYTHONPATH", "/opt/karakuri/sdk"),
            ("PYTHONUNBUFFERED", "1"),
            ("PYTHONDONTWRITEBYTECODE", "1"),
        ];
        let command = Command {
            program: script.program,
            arguments: script.arguments,
            environment: environment.map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec(),
            directory: "/work".to_owned(),
        };
        let payload = Payload::Run { command, socket };
        self.policy(Profile::Script, |a| a.script, tree, script.limits, payload)
    }

    fn account(&self, pick: fn(&Accounts) -> Account) -> Option<Account> {
        self.accounts.as_ref().map(pick)
    }

    fn policy(
        &self,
        profile: Profile,
        account: fn(&Accounts) -> Account,
        tree: Vec<Node>,
        limits: Limits,
        payload: Payload,
    ) -> Policy {
        let stage = self.run_root.join("stage");
        let (account, control) = (self.account(account), self.control.clone());
        let (proxy, nested) = (None, false);
        Policy { profile, stage, account, tree, limits, control, proxy, nested, payload }
    }

    /// A directory of the run.
    fn own(&self, name: &str, target: &str, access: Access) -> Node {
        Node::Bind { source: self.run_root.join(name), target: target.into(), access }
    }

    /// One of our programs.
    fn program(&self, name: &str) -> Node {
        let target = Path::new(BIN).join(name);
        Node::Bind { source: self.programs.join(name), target, access: Access::ReadExecute }
    }
}

/// Which of our programs runs as this script, if one does.
pub(super) fn own_program(script: &Script) -> Option<&'static str> {
    let name = script.program.strip_prefix(BIN)?.strip_prefix('/')?;
    AS_SCRIPT.into_iter().find(|own| *own == name)
}

/// What every program needs: `/usr`, the loader's cache, a user data base of one, `/proc`, `/tmp`.
fn system_tree(user: &str, account: Option<Account>) -> Vec<Node> {
    let (uid, gid) = account.map_or_else(
        || (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw()),
        |a| (a.uid, a.gid),
    );
    let mut tree = vec![Node::Bind {
        source: "/usr".into(),
        target: "/usr".into(),
        access: Access::ReadExecute,
    }];
    // Debian 12 and 13 have these as links into /usr (merged-usr).
    for name in ["bin", "sbin", "lib", "lib64"] {
        if let Ok(to) = std::fs::read_link(Path::new("/").join(name)) {
            tree.push(Node::Link { target: Path::new("/").join(name), to });
        }
    }
    for path in ["/etc/alternatives", "/etc/ld.so.cache"] {
        push_if_there(&mut tree, path, Access::Read);
    }
    let files = [
        ("/etc/passwd", passwd(user, uid, gid)),
        ("/etc/group", format!("{user}:x:{gid}:\n")),
        ("/etc/hosts", "127.0.0.1 localhost\n".to_owned()),
        ("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n".to_owned()),
    ];
    tree.extend(files.map(|(target, content)| Node::File { target: target.into(), content }));
    tree.push(Node::Tmpfs { target: "/tmp".into(), bytes: 256 * MIB, files: 8192 });
    tree.push(Node::Proc);
    tree
}

/// Adds a user to the tree's data base.
fn know(tree: &mut [Node], user: &str, Account { uid, gid }: Account) {
    for node in tree {
        if let Node::File { target, content } = node
            && target.as_path() == Path::new("/etc/passwd")
        {
            content.push_str(&passwd(user, uid, gid));
        }
    }
}

/// A line of passwd(5).
fn passwd(user: &str, uid: u32, gid: u32) -> String {
    format!("{user}:x:{uid}:{gid}::/tmp:/bin/sh\n")
}

/// What of the tree would be hidden if `path` were mounted on top.
fn hidden_by(tree: &[Node], path: &Path) -> Option<String> {
    let hidden = tree.iter().map(Node::target).find(|place| {
        let kernel = [Path::new("/dev"), Path::new("/proc")].contains(place);
        place.starts_with(path) || (kernel && path.starts_with(place))
    });
    hidden.map(|place| place.display().to_string())
}

fn push_if_there(tree: &mut Vec<Node>, path: &str, access: Access) {
    // A link into /usr stays one; any other is followed.
    if let Ok(to) = std::fs::canonicalize(path)
        && to.starts_with("/usr")
    {
        tree.push(Node::Link { target: path.into(), to });
    } else if let Ok(source) = std::fs::canonicalize(path) {
        tree.push(Node::Bind { source, target: path.into(), access });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor;

    fn templates() -> Templates {
        Templates {
            run_root: "/run-root".into(),
            programs: "/programs".into(),
            accounts: None,
            control: Control::ProcessLimits { reason: "a test".to_owned() },
        }
    }

    fn script(program: &str, arguments: usize) -> Script {
        let arguments = vec!["x".to_owned(); arguments];
        Script { program: program.to_owned(), arguments, limits: ROOMY, files: None }
    }

    fn command(read_only: &[&str]) -> Result<Policy, String> {
        templates().command(monitor::Command {
            script: script("/anywhere/tool", 1),
            environment: vec![("PATH".to_owned(), "/bin".to_owned())],
            read_only: read_only.iter().map(PathBuf::from).collect(),
        })
    }

    #[test]
    fn karakurid_names_a_program_of_the_system_and_nothing_else() {
        assert!(templates().script(script("/usr/bin/python3", MAX_ARGUMENTS)).is_ok());
        assert!(templates().script(script("/opt/karakuri/bin/karakuri-steps", 1)).is_ok());
        assert!(templates().script(script("/opt/karakuri/bin/karakuri-mcp", 0)).is_ok());
        for program in [
            "/bundle/x",
            "/opt/karakuri/bin/karakurid",
            "/opt/karakuri/bin/../x",
            "/usr/bin/../../x",
            "/usr/bin/",
            "/usr/bin/..",
            "python3",
            "",
        ] {
            assert!(templates().script(script(program, 0)).is_err(), "{program}");
        }
        assert!(templates().script(script("/usr/bin/true", MAX_ARGUMENTS + 1)).is_err());
    }

    #[test]
    fn an_addition_hides_nothing_of_the_sandbox() {
        for path in ["/", "/proc", "/proc/sys", "/dev", "/dev/shm", "/work", "/etc", "/tmp", "/usr"]
        {
            let error = command(&[path]).unwrap_err();
            assert!(error.contains("would hide"), "{path}: {error}");
        }
        for path in ["relative", "/usr/../etc"] {
            assert!(command(&[path]).unwrap_err().contains("absolute"), "{path}");
        }
        let policy = command(&["/sys/kernel"]).unwrap();
        let added = policy.tree.last();
        let expected = Node::Bind {
            source: "/sys/kernel".into(),
            target: "/sys/kernel".into(),
            access: Access::ReadExecute,
        };
        assert_eq!(added, Some(&expected));
    }

    #[test]
    fn a_variable_replaces_the_one_of_the_same_name() {
        let Payload::Run { command, socket } = command(&[]).unwrap().payload else {
            panic!("not a program")
        };
        let paths = command.environment.iter().filter(|(name, _)| name == "PATH");
        assert_eq!(paths.map(|(_, value)| value.as_str()).collect::<Vec<_>>(), ["/bin"]);
        assert!(!socket);
    }
}
