//! Every refusal of `site.toml`, with the line that a person is sent to.
#![cfg(test)]

use karakuri_site::identity::Base;
use karakuri_site::store::Store;
use karakuri_site::{Site, SiteError};

const HEAD: &str = "tenant = \"acme\"\nsite = \"osaka-1\"\n";
const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/6f0c7a52";
const ROLE: &str = "arn:aws:iam::111122223333:role/karakuri";

fn rsa() -> String {
    "[[keys.raw_rsa]]\nnamespace = \"acme\"\nname = \"a\"\npublic_key = \"/k.pem\"\n".to_owned()
}

fn identity(base: &str) -> String {
    format!("[identity]\nrole_arn = \"{ROLE}\"\nbase = {base}\n")
}

fn bucket() -> String {
    "[store.s3]\nbucket = \"karakuri-acme\"\nregion = \"eu-west-1\"\n".to_owned()
}

fn parse(parts: &[&str]) -> Result<Site, SiteError> {
    Site::parse(&parts.concat(), "site.toml")
}

fn refusal(parts: &[&str]) -> String {
    parse(parts).unwrap_err().to_string()
}

#[test]
fn the_example_of_the_documentation_is_a_site() {
    let example: String = include_str!("../src/site.rs")
        .lines()
        .skip_while(|line| *line != "//! ```toml")
        .skip(1)
        .take_while(|line| *line != "//! ```")
        .map(|line| format!("{}\n", line.trim_start_matches("//!").trim_start()))
        .collect();
    let site = Site::parse(&example, "site.toml").unwrap();
    assert_eq!((site.tenant.as_str(), site.site.as_str()), ("acme", "osaka-1"));
    assert!(site.keys.are_generated_by_kms());
    let Store::S3(store) = &site.store else { panic!("{:?}", site.store) };
    assert_eq!(store.key("runs/x"), "runs/x");
    let window = site.network.window.unwrap();
    let inside = [0, 449, 450, 1139, 1140, 1439].map(|minute| window.contains(minute));
    assert_eq!(inside, [true, true, false, false, true, true]);
    assert_eq!(site.identity.unwrap().session_minutes.seconds(), 900);
}

#[test]
fn without_a_file_nothing_leaves_the_machine() {
    let site = Site::development();
    assert_eq!((site.tenant.as_str(), site.site.as_str()), ("development", "development"));
    assert_eq!((site.store, site.identity), (Store::Local, None));
    assert!(!site.keys.are_generated_by_kms());
}

#[test]
fn a_strict_site_needs_no_identity() {
    let keys = format!("[keys.aws_kms]\nkey = \"{KEY}\"\npublic_key = \"/kms.pem\"\n");
    let site = parse(&[HEAD, "store = \"local\"\n", &keys]).unwrap();
    assert!(!site.keys.are_generated_by_kms());
    let export = parse(&[HEAD, &keys, "[store.export]\ndirectory = \"/mnt/usb\"\n"]).unwrap();
    assert!(matches!(export.store, Store::Export(_)));
}

#[test]
fn every_base_identity_is_read() {
    for (base, found) in [
        ("\"instance\"", "Instance"),
        (
            "{ web_identity = { token_file = \"/t\", role_arn = \"arn:aws:iam::111122223333:role/p\" } }",
            "WebIdentity",
        ),
        (
            "{ container = { endpoint = \"http://169.254.170.23\", path = \"/v1/credentials\" } }",
            "Container",
        ),
        (
            "{ process = { command = [\"/usr/bin/signing-helper\", \"credential-process\"] } }",
            "Process",
        ),
    ] {
        let site = parse(&[HEAD, &rsa(), &bucket(), &identity(base)]).unwrap();
        let base = site.identity.unwrap().base;
        assert!(format!("{base:?}").starts_with(found), "{base:?}");
        if let Base::Process(process) = base {
            assert_eq!(process.command.as_slice()[0], "/usr/bin/signing-helper");
        }
    }
}

#[test]
fn what_does_not_fit_is_refused_at_its_line() {
    let identity = |rest: &str| format!("{}{rest}\n", identity("\"instance\""));
    for (parts, line, said) in [
        (vec!["tenant = \"Acme\"\nsite = \"a\"\n"], 1, "1 to 63 of a-z"),
        (vec!["tenant = \"acme\"\nsite = \"-a\"\n"], 2, "no - at either end"),
        (vec![HEAD, "colour = 1\n"], 3, "unknown field `colour`"),
        (vec![HEAD, "store = \"tape\"\n"], 3, "unknown variant `tape`"),
        (
            vec![HEAD, "[keys.aws_kms]\nkey = \"arn:aws:kms:eu-west-1:111122223333:alias/a\"\n"],
            4,
            "not an alias",
        ),
        (
            vec![HEAD, "[keys.aws_kms]\nkey = \"arn:aws:s3:eu-west-1:111122223333:key/a\"\n"],
            4,
            "ARN of a KMS key",
        ),
        (
            vec![
                HEAD,
                "[[keys.raw_rsa]]\nnamespace = \"n\"\nname = \"a\"\npublic_key = \"k.pem\"\n",
            ],
            6,
            "absolute path",
        ),
        (
            vec![HEAD, "[store.s3]\nbucket = \"A\"\nregion = \"eu-west-1\"\n"],
            4,
            "not a bucket's name",
        ),
        (vec![HEAD, "[store.s3]\nbucket = \"abc\"\nregion = \"Frankfurt\"\n"], 5, "not a region"),
        (vec![HEAD, &bucket(), "prefix = \"a/../b\"\n"], 6, "none of them . or .."),
        (vec![HEAD, &bucket(), "prefix = \"/a\"\n"], 6, "joined by /"),
        (vec![HEAD, &bucket(), "bucket_owner = \"12\"\n"], 6, "12 digits"),
        (vec![HEAD, &bucket(), "endpoint = \"x\"\n"], 6, "unknown field `endpoint`"),
        (vec![HEAD, "[store.export]\ndirectory = \"/mnt/../x\"\n"], 4, "without .."),
        (
            vec![HEAD, "[identity]\nrole_arn = \"karakuri\"\nbase = \"instance\"\n"],
            4,
            "ARN of a role",
        ),
        (vec![HEAD, &identity("session_minutes = 14")], 6, "from 15 to 60"),
        (vec![HEAD, &identity("session_minutes = 61")], 6, "from 15 to 60"),
        (vec![HEAD, &identity("external_id = \"a b\"")], 6, "not an external id"),
        (
            vec![HEAD, &identity("access_key_id = \"AKIAIOSFODNN7EXAMPLE\"")],
            6,
            "unknown field `access_key_id`",
        ),
        (vec![HEAD, "[identity.base.process]\ncommand = []\n"], 4, "1 to 32 texts"),
        (vec![HEAD, "[identity.base.process]\ncommand = [\"helper\"]\n"], 4, "absolute path"),
        (vec![HEAD, "[identity.base.process]\ncommand = \"/usr/bin/helper\"\n"], 4, "invalid type"),
        (
            vec![HEAD, "[identity.base.container]\nendpoint = \"http://169.254.169.254\"\n"],
            4,
            "not encrypted",
        ),
        (vec![HEAD, "[network]\nca = \"ca.pem\"\n"], 4, "absolute path"),
        (vec![HEAD, "[network]\nproxy = \"proxy:3128\"\n"], 4, "must be https://HOST"),
        (vec![HEAD, "[network]\nproxy = \"http://u:p@proxy:3128\"\n"], 4, "user name or password"),
        (vec![HEAD, "[network.endpoints]\ns3 = \"http://minio.lan:9000\"\n"], 4, "not encrypted"),
        (vec![HEAD, "[network.endpoints]\ns3 = \"http://localhost:9000\"\n"], 4, "not encrypted"),
        (
            vec![HEAD, "[network.endpoints]\nkms = \"https://kms.lan/path\"\n"],
            4,
            "must be https://HOST",
        ),
        (
            vec![HEAD, "[network.endpoints]\nkms = \"https://kms.lan:0\"\n"],
            4,
            "must be https://HOST",
        ),
        (vec![HEAD, "[network]\nbytes_per_second = 0\n"], 4, "nonzero"),
        (vec![HEAD, "[network]\nwindow = { from = \"24:00\", to = \"06:00\" }\n"], 4, "\"23:59\""),
        (vec![HEAD, "[network]\nwindow = { from = \"6:00\", to = \"06:00\" }\n"], 4, "\"23:59\""),
        (vec![HEAD, "[spool]\nbytes = 1\n"], 4, "at least 67108864"),
        (vec![HEAD, "[spool]\ninodes = 255\n"], 4, "at least 256"),
        (vec![HEAD, "[spool]\nkeep_delivered_minutes = -1\n"], 4, "invalid value"),
        (vec![HEAD, "x = \n"], 3, "must be quoted"),
    ] {
        let refused = refusal(&parts);
        assert!(refused.starts_with(&format!("site.toml:{line}:")), "{parts:?}: {refused}");
        assert!(refused.contains(said), "{parts:?}: {refused}");
    }
}

#[test]
fn a_plain_address_of_this_machine_is_an_endpoint() {
    for address in ["http://127.0.0.1:8333", "http://127.8.0.1:8333", "http://[::1]:8333"] {
        let network = format!("[network.endpoints]\ns3 = \"{address}\"\n");
        let site = parse(&[HEAD, &rsa(), &network]).unwrap();
        let endpoint = site.network.endpoints.s3.unwrap();
        assert_eq!((endpoint.to_string().as_str(), endpoint.port()), (address, 8333));
    }
}

#[test]
fn tables_that_do_not_go_together_are_refused() {
    let kms = format!("[keys.aws_kms]\nkey = \"{KEY}\"\n");
    let elsewhere = format!("kms_key = \"{}\"\n", KEY.replace("eu-west-1", "us-east-1"));
    let instance = identity("\"instance\"");
    let proxied =
        "[network]\nproxy = \"http://proxy:3128\"\nendpoints = { s3 = \"http://127.0.0.1:1\" }\n";
    let reserved = rsa().replace("\"acme\"", "\"aws-kms\"");
    for (parts, said) in [
        (vec![HEAD], "keys: nobody could open"),
        (vec![HEAD, &reserved], "keys.raw_rsa.namespace: `aws-kms`"),
        (vec![HEAD, &rsa(), &rsa()], "same namespace and name"),
        (vec![HEAD, &kms], "identity: the table is missing"),
        (vec![HEAD, &rsa(), &bucket()], "identity: the table is missing"),
        (vec![HEAD, &rsa(), &bucket(), &elsewhere, &instance], "in the region of the bucket"),
        (vec![HEAD, &rsa(), proxied], "network.proxy: an endpoint without TLS"),
    ] {
        let refused = refusal(&parts);
        assert!(refused.contains(said), "{parts:?}: {refused}");
    }
}

#[test]
fn retention_is_for_a_local_store_and_names_classes() {
    let local = |table: &str| parse(&[HEAD, &rsa(), table]);
    let retention = local("[retention]\nevidence = 365\npii = 1\n").unwrap().retention;
    assert_eq!(retention.evidence.map(|days| days.get()), Some(365));
    assert_eq!((retention.pii.map(|days| days.get()), retention.output), (Some(1), None));
    // Nothing is destroyed that nobody asked to have destroyed.
    assert_eq!(local("").unwrap().retention, Site::development().retention);
    for (table, said) in [
        ("[retention]\npii = 0\n", "0 days: write 1 to 36500"),
        ("[retention]\npii = 36501\n", "36501 days"),
        ("[retention]\npii = -1\n", "site.toml:8"),
        ("[retention]\nrecording = 1\n", "unknown field `recording`"),
    ] {
        let refused = local(table).unwrap_err().to_string();
        assert!(refused.contains(said), "{refused}");
    }
    let elsewhere = [HEAD, &rsa(), &bucket(), &identity("\"instance\""), "[retention]\npii = 1\n"];
    let refused = refusal(&elsewhere);
    assert!(refused.contains("retention: it is for store = \"local\""), "{refused}");
}
