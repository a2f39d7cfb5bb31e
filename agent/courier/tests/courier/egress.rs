//! Nothing is contacted but what the egress list says: couriers in a network in which every address is
//! this machine's own and every packet is seen. Names and addresses are those of the real services.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use karakuri_protocol::courier::{Generate, KeyContext, KeySaid, Said};
use karakuri_site::Site;
use karakuri_site::egress::{Destination, Egress, NAME_SERVERS, Process};
use serde_json::json;

use crate::rig::Courier;
use crate::tls::Authority;

/// Set where the test has been started anew in its own namespaces.
const INSIDE: &str = "KARAKURI_TEST_INSIDE";
/// Who looks names up there.
const RESOLVER: &str = "198.18.1.53";

#[test]
fn nothing_is_contacted_but_what_the_list_says() {
    let test = std::env::current_exe().unwrap();
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--net", "--mount", "--"])
        .arg(test)
        .args(["--exact", "egress::every_site_in_a_network_of_its_own", "--include-ignored"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
#[ignore = "nothing_is_contacted_but_what_the_list_says starts it in namespaces of its own"]
fn every_site_in_a_network_of_its_own() {
    if std::env::var_os(INSIDE).is_none() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let resolver = directory.path().join("resolv.conf");
    std::fs::write(&resolver, format!("nameserver {RESOLVER}\n")).unwrap();
    let mount = Command::new("mount").arg("--bind").arg(&resolver).arg("/etc/resolv.conf").status();
    assert!(mount.unwrap().success());
    let token = directory.path().join("token");
    std::fs::write(&token, "token").unwrap();
    let public = "[store.s3]\nbucket = \"karakuri-acme\"\nregion = \"ap-northeast-3\"\n";
    let china = public.replace("ap-northeast-3", "cn-north-1");
    let government = public.replace("ap-northeast-3", "us-gov-west-1");
    let dotted = public.replace("karakuri-acme", "karakuri.acme");
    let private = "endpoints = { s3 = \"https://s3.lan:9000\", sts = \"https://sts.lan:9001\", \
                   kms = \"https://kms.lan:9002\" }\n";
    let proxy = "proxy = \"http://proxy.lan:3128\"\n";
    let dual = "dual_stack = true\n";
    let web = format!(
        "{{ web_identity = {{ token_file = \"{}\", role_arn = \"arn:aws:iam::111122223333:role/p\" }} }}",
        token.display()
    );
    let container = "{ container = { endpoint = \"http://169.254.170.2\", path = \"/v2/x\" } }";
    let program = "{ process = { command = [\"/bin/helper\"] } }";
    for (store, base, network) in [
        (public, "\"instance\"", ""),
        (public, program, private),
        (public, &*web, proxy),
        (public, "\"instance\"", proxy),
        (public, container, dual),
        (&*dotted, program, ""),
        (&*china, program, ""),
        (&*china, program, dual),
        (&*government, program, dual),
        ("store = \"local\"\n", program, ""),
    ] {
        let case = format!("{store}{base}\n{network}");
        for process in [Process::Upload, Process::Keys] {
            let (listed, seen) = contacted(process, store, base, network);
            assert_eq!(seen, listed, "{process:?} {case}");
        }
    }
}

type Contacts = BTreeSet<(String, u16)>;

/// What the list says, and what was contacted when the courier did its work.
fn contacted(process: Process, store: &str, base: &str, network: &str) -> (Contacts, Contacts) {
    let authority = Authority::new();
    let text = format!(
        "tenant = \"acme\"\nsite = \"osaka-1\"\n{}[keys.aws_kms]\n\
         key = \"arn:aws:kms:eu-west-1:111122223333:key/6f0c7a52\"\n{}[identity]\n\
         role_arn = \"arn:aws:iam::111122223333:role/acme\"\nbase = {base}\n[network]\nca = \"{}\"\n{network}",
        // A plain value has to stand before the first table.
        if store.starts_with('[') { "" } else { store },
        if store.starts_with('[') { store } else { "" },
        authority.file().display()
    );
    let egress = Egress::of(&Site::parse(&text, "site.toml").unwrap());
    let listed = egress.destinations.iter().filter(|one| one.process == process).map(contact);
    let listed: Contacts = listed.collect();
    let mut world = World::around(&authority, &egress);
    let directory = tempfile::tempdir().unwrap();
    let [file, printed] = ["site.toml", "credentials.json"].map(|name| directory.path().join(name));
    std::fs::write(&file, text).unwrap();
    let lent = json!({
        "Version": 1, "AccessKeyId": "ASIATEST", "SecretAccessKey": "s", "SessionToken": "t",
    });
    std::fs::write(&printed, lent.to_string()).unwrap();
    let kept = tempfile::tempdir().unwrap();
    match process {
        Process::Upload => {
            let store = kept.path().to_str().unwrap();
            let words = ["--role", "upload", "--store", store, "--site", file.to_str().unwrap()];
            let courier = Courier::spawn(&words, directory, printed);
            assert_eq!(courier.hear(), Some(Said::Ready { version: 1 }), "{}", courier.log());
            courier.put("runs/a/1.esdk", b"sealed").unwrap();
        }
        Process::Keys => {
            let words = ["--role", "keys", "--site", file.to_str().unwrap()];
            generate(&Courier::spawn(&words, directory, printed));
        }
        Process::Auditor => panic!("no installation starts one"),
    }
    (listed, world.seen())
}

fn contact(destination: &Destination) -> (String, u16) {
    let Destination { host, port, proxy, .. } = destination;
    let host = match proxy {
        Some(_) => format!("{host} through the proxy"),
        None if host == NAME_SERVERS => RESOLVER.to_owned(),
        None => host.clone(),
    };
    (host, *port)
}

fn generate(courier: &Courier) {
    let hear = || courier.link.recv().unwrap().map(|(said, _): (KeySaid, _)| said);
    assert_eq!(hear(), Some(KeySaid::Ready { version: 1 }), "{}", courier.log());
    let name = |name: &str| name.to_owned();
    let context = KeyContext {
        tenant: name("acme"),
        site: name("osaka-1"),
        run: name("20261122T100000-a"),
        class: name("evidence"),
    };
    courier.link.send(&Generate { id: 7, context }, &[]).unwrap();
    let said = hear();
    assert!(matches!(said, Some(KeySaid::Generated { .. })), "{said:?}");
}

/// Everybody else, in one process: `egress.py`.
struct World {
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl World {
    /// With the services of the list, each with a certificate for its name.
    fn around(authority: &Authority, egress: &Egress) -> Self {
        let names = egress.destinations.iter().map(|one| one.host.clone()).collect();
        let (certificate, key) = authority.files(names);
        let ports: BTreeSet<u16> = egress.destinations.iter().map(|one| one.port).collect();
        let ports: Vec<_> = ports.into_iter().filter(|port| *port != 53).collect();
        let facts = json!({ "cert": certificate, "key": key, "ports": ports });
        let python = std::env::var("KARAKURI_TEST_PYTHON").expect("make test sets it");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/courier/egress.py");
        let mut process = Command::new(python)
            .arg(script)
            .arg(facts.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let questions = process.stdin.take().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap());
        let mut world = Self { process, questions, answers };
        assert_eq!(world.line(), "ready\n");
        world
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line
    }

    fn seen(&mut self) -> Contacts {
        writeln!(self.questions).unwrap();
        serde_json::from_str(&self.line()).unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // It may have failed and be gone.
        let _killed = self.process.kill();
        let _ended = self.process.wait();
    }
}
