//! The egress list of every kind of site, in full.
#![cfg(test)]

use karakuri_site::Site;
use karakuri_site::egress::{Destination, Egress, Process};

const HEAD: &str = "tenant = \"acme\"\nsite = \"osaka-1\"\n";
const RSA: &str = "[[keys.raw_rsa]]\nnamespace = \"acme\"\nname = \"a\"\npublic_key = \"/k.pem\"\n";
const KMS: &str = "[keys.aws_kms]\nkey = \"arn:aws:kms:eu-west-1:111122223333:key/6f0c7a52\"\n";
const STRICT: &str = "public_key = \"/kms.pem\"\n";
const BUCKET: &str = "[store.s3]\nbucket = \"karakuri-acme\"\nregion = \"ap-northeast-3\"\n";
const TOKEN: &str =
    "{ web_identity = { token_file = \"/t\", role_arn = \"arn:aws:iam::111122223333:role/p\" } }";

fn identity(base: &str) -> String {
    format!("[identity]\nrole_arn = \"arn:aws:iam::111122223333:role/acme\"\nbase = {base}\n")
}

fn of(parts: &[&str]) -> Egress {
    Egress::of(&Site::parse(&parts.concat(), "site.toml").unwrap())
}

/// `host:port`, and ` tls`, ` via PROXY`; of one process, in order.
fn list(egress: &Egress, process: Process) -> Vec<String> {
    let own = egress.destinations.iter().filter(|one| one.process == process);
    let line = |Destination { host, port, tls, proxy, .. }: &Destination| {
        let tls = if tls == &["1.2", "1.3"] { " tls" } else { "" };
        let proxy = proxy.as_ref().map(|proxy| format!(" via {proxy}")).unwrap_or_default();
        format!("{host}:{port}{tls}{proxy}")
    };
    own.map(line).collect()
}

const STORE: &str = "karakuri-acme.s3.ap-northeast-3.amazonaws.com:443 tls";
const STORE_STS: &str = "sts.ap-northeast-3.amazonaws.com:443 tls";
const RESOLVER: &str = "name-servers:53";
const METADATA: &str = "169.254.169.254:80";

#[test]
fn a_site_that_keeps_everything_contacts_nobody() {
    assert_eq!(Egress::of(&Site::development()), Egress::default());
    let strict = [KMS, STRICT].concat();
    let export = "[store.export]\ndirectory = \"/mnt/usb\"\n";
    // Endpoints and an identity that nobody needs change nothing.
    let spare =
        "[network]\nproxy = \"http://proxy:3128\"\nendpoints = { s3 = \"https://s3.lan\" }\n";
    let program = identity("{ process = { command = [\"/bin/x\"] } }");
    for parts in [
        vec![HEAD, "store = \"local\"\n", RSA],
        vec![HEAD, "store = \"local\"\n", &strict],
        vec![HEAD, RSA, export],
        vec![HEAD, &strict, export, &program, spare],
    ] {
        assert_eq!(of(&parts), Egress::default(), "{parts:?}");
    }
}

#[test]
fn a_bucket_and_kms_have_a_courier_each() {
    let egress = of(&[HEAD, KMS, BUCKET, &identity("\"instance\"")]);
    assert_eq!(list(&egress, Process::Upload), [STORE, STORE_STS, METADATA, RESOLVER]);
    let kms = ["kms.eu-west-1.amazonaws.com:443 tls", "sts.eu-west-1.amazonaws.com:443 tls"];
    assert_eq!(list(&egress, Process::Keys), [kms[0], kms[1], METADATA, RESOLVER]);
    for process in [Process::Upload, Process::Keys] {
        assert_eq!(egress.ports(process), [53, 80, 443]);
    }
    assert_eq!(egress.program, None);
}

#[test]
fn kms_is_not_asked_in_strict_mode_nor_for_keys_kept_off_line() {
    let strict = [KMS, STRICT].concat();
    for keys in [RSA, strict.as_str()] {
        let egress = of(&[HEAD, keys, BUCKET, &identity("\"instance\"")]);
        assert_eq!(list(&egress, Process::Upload), [STORE, STORE_STS, METADATA, RESOLVER]);
        assert_eq!(list(&egress, Process::Keys), [""; 0]);
        assert_eq!(egress.ports(Process::Keys), [0; 0]);
    }
    // And a store of this machine leaves KMS alone.
    let egress = of(&[HEAD, "store = \"local\"\n", KMS, &identity(TOKEN)]);
    assert_eq!(list(&egress, Process::Upload), [""; 0]);
    assert_eq!(list(&egress, Process::Keys).len(), 3);
}

#[test]
fn every_base_identity_is_listed_where_it_is_asked() {
    let container = |endpoint: &str| format!("{{ container = {{ endpoint = \"{endpoint}\" }} }}");
    let platform = container("http://169.254.170.23");
    let six = container("http://[fd00:ec2::23]");
    let own = container("https://credentials.lan:8443");
    let program = "{ process = { command = [\"/bin/helper\", \"-x\"] } }";
    for (base, asked, ports) in [
        (TOKEN, None, vec![53, 443]),
        (program, None, vec![53, 443]),
        (platform.as_str(), Some("169.254.170.23:80"), vec![53, 80, 443]),
        (&six, Some("[fd00:ec2::23]:80"), vec![53, 80, 443]),
        (&own, Some("credentials.lan:8443 tls"), vec![53, 443, 8443]),
    ] {
        let egress = of(&[HEAD, RSA, BUCKET, &identity(base)]);
        let mut expected = vec![STORE, STORE_STS];
        expected.extend(asked);
        expected.push(RESOLVER);
        assert_eq!(list(&egress, Process::Upload), expected, "{base}");
        assert_eq!(egress.ports(Process::Upload), ports, "{base}");
        let words = egress.program.unwrap_or_default();
        assert_eq!(words.is_empty(), base != program);
    }
}

#[test]
fn private_endpoints_take_the_place_of_public_ones() {
    let private = "[network.endpoints]\ns3 = \"https://S3.lan:9000\"\nsts = \"https://10.0.0.7\"\n\
                   kms = \"https://[fd12::7]:8443\"\n";
    let egress = of(&[HEAD, KMS, BUCKET, &identity("\"instance\""), private]);
    let store = ["s3.lan:9000 tls", "10.0.0.7:443 tls", METADATA, RESOLVER];
    assert_eq!(list(&egress, Process::Upload), store);
    // Nobody is asked for a name that is an address.
    assert_eq!(list(&egress, Process::Keys), ["[fd12::7]:8443 tls", "10.0.0.7:443 tls", METADATA]);
    assert_eq!(egress.ports(Process::Keys), [80, 443, 8443]);
    let here = "[network.endpoints]\ns3 = \"http://127.0.0.1:8333\"\nsts = \"http://[::1]:8333\"\n";
    let egress = of(&[HEAD, RSA, BUCKET, &identity(TOKEN), here]);
    assert_eq!(list(&egress, Process::Upload), ["127.0.0.1:8333", "[::1]:8333"]);
}

#[test]
fn through_a_proxy_nobody_else_is_contacted_but_the_platform() {
    let proxy = "[network]\nproxy = \"http://proxy.lan:3128\"\n";
    let egress = of(&[HEAD, RSA, BUCKET, &identity("\"instance\""), proxy]);
    let via = |to: &str| format!("{to} via http://proxy.lan:3128");
    let expected = ["proxy.lan:3128", &via(STORE), &via(STORE_STS), METADATA, RESOLVER];
    assert_eq!(list(&egress, Process::Upload), expected);
    assert_eq!(egress.ports(Process::Upload), [53, 80, 3128]);
    // A proxy that is an address: its own resolver looks names up.
    let proxy = "[network]\nproxy = \"https://10.0.0.9:3129\"\n";
    let egress = of(&[HEAD, RSA, BUCKET, &identity(TOKEN), proxy]);
    let expected = [
        "10.0.0.9:3129 tls".to_owned(),
        format!("{STORE} via https://10.0.0.9:3129"),
        format!("{STORE_STS} via https://10.0.0.9:3129"),
    ];
    assert_eq!(list(&egress, Process::Upload), expected);
    assert_eq!(egress.ports(Process::Upload), [3129]);
}

#[test]
fn partitions_and_dual_stack_have_hosts_of_their_own() {
    let dual = "[network]\ndual_stack = true\n";
    let china = BUCKET.replace("ap-northeast-3", "cn-north-1");
    let dotted = BUCKET.replace("karakuri-acme", "karakuri.acme");
    for (bucket, network, store, sts) in [
        (
            china.as_str(),
            "",
            "karakuri-acme.s3.cn-north-1.amazonaws.com.cn",
            "sts.cn-north-1.amazonaws.com.cn",
        ),
        (&dotted, "", "s3.ap-northeast-3.amazonaws.com", "sts.ap-northeast-3.amazonaws.com"),
        (
            BUCKET,
            dual,
            "karakuri-acme.s3.dualstack.ap-northeast-3.amazonaws.com",
            "sts.ap-northeast-3.api.aws",
        ),
    ] {
        let egress = of(&[HEAD, RSA, bucket, &identity(TOKEN), network]);
        let expected = [format!("{store}:443 tls"), format!("{sts}:443 tls"), RESOLVER.to_owned()];
        assert_eq!(list(&egress, Process::Upload), expected);
    }
}
