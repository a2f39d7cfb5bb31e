//! One connection of an application: its request, the check against the grant, the bytes both ways.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream, ToSocketAddrs};
use std::thread;
use std::time::Duration;

use karakuri_protocol::egress::{Attempt, AttemptOutcome, Destination};
use karakuri_protocol::untrusted::Untrusted;

use crate::request::{self, Asked};

/// How long a client may take for its request.
const REQUEST: Duration = Duration::from_secs(10);
/// How long connecting may take, for each address of the host.
const CONNECT: Duration = Duration::from_secs(10);
/// The most bytes of a refused client that are read so that it sees why.
const MAX_UNREAD: u64 = 64 * 1024;

/// Serves one client to its end. `report` is told what was asked for before a byte flows.
///
/// # Errors
/// When it cannot be reported, or the client or the host goes away: the connection is over.
pub fn serve(
    mut client: TcpStream,
    allowed: &[Destination],
    report: impl FnOnce(&Attempt) -> io::Result<()>,
) -> io::Result<()> {
    client.set_read_timeout(Some(REQUEST))?;
    let (destination, refusal) = match request::read(&mut client)? {
        Asked::Connect(destination) if allowed.contains(&destination) => (destination, None),
        Asked::Connect(destination) => (destination.clone(), Some(destination.to_string())),
        Asked::Nowhere(text) => {
            report(&attempt(&text, AttemptOutcome::Refused))?;
            return answer(&mut client, "400 Bad Request", "name a host and a port");
        }
        Asked::Other => {
            let text =
                "this proxy answers CONNECT only: use https, or another port through CONNECT";
            return answer(&mut client, "405 Method Not Allowed", text);
        }
        Asked::Malformed => return answer(&mut client, "400 Bad Request", "no HTTP request"),
    };
    if let Some(text) = refusal {
        report(&attempt(&text, AttemptOutcome::Refused))?;
        let text = format!("permissions.network in workflow.toml does not name {text}");
        return answer(&mut client, "403 Forbidden", &text);
    }
    match connect(&destination) {
        Ok(host) => {
            report(&attempt(&destination.to_string(), AttemptOutcome::Connected))?;
            client.set_read_timeout(None)?;
            client.write_all(b"HTTP/1.1 200 Connection Established\r\n\r\n")?;
            both_ways(client, host)
        }
        Err(e) => {
            report(&attempt(&destination.to_string(), AttemptOutcome::Unreachable))?;
            answer(&mut client, "502 Bad Gateway", &format!("{destination}: {e}"))
        }
    }
}

fn attempt(destination: &str, outcome: AttemptOutcome) -> Attempt {
    Attempt { destination: Untrusted::new(destination), outcome }
}

fn answer(client: &mut TcpStream, status: &str, text: &str) -> io::Result<()> {
    let length = text.len() + 1;
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{text}\n"
    );
    client.write_all(answer.as_bytes())?;
    // Closing with bytes unread resets the connection, and the client may lose the answer.
    client.shutdown(Shutdown::Write)?;
    io::copy(&mut client.take(MAX_UNREAD), &mut io::sink()).map(drop)
}

fn connect(destination: &Destination) -> io::Result<TcpStream> {
    let mut last =
        io::Error::new(io::ErrorKind::NotFound, "the name has no address that may be used");
    for address in addresses(destination)? {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(host) => return Ok(host),
            Err(e) => last = e,
        }
    }
    Err(last)
}

/// The addresses of a destination. A name cannot lead to the machine itself or its link.
fn addresses(destination: &Destination) -> io::Result<Vec<SocketAddr>> {
    if let Some(address) = destination.address() {
        return Ok(vec![SocketAddr::new(address, destination.port())]);
    }
    let found = (destination.host(), destination.port()).to_socket_addrs()?;
    Ok(found.filter(|found| may_be_named(found.ip().to_canonical())).collect())
}

fn may_be_named(address: IpAddr) -> bool {
    let link = match address {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_broadcast(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    !(link || address.is_loopback() || address.is_unspecified() || address.is_multicast())
}

/// Copies until both sides have said all; the end of one direction is passed on.
fn both_ways(client: TcpStream, host: TcpStream) -> io::Result<()> {
    let (client_too, host_too) = (client.try_clone()?, host.try_clone()?);
    let back = thread::Builder::new().spawn(move || one_way(host_too, client_too))?;
    one_way(client, host);
    // It ends with its connection; a panic in it cannot happen and would change nothing here.
    drop(back.join());
    Ok(())
}

fn one_way(mut from: TcpStream, mut to: TcpStream) {
    let copied = io::copy(&mut from, &mut to);
    // After an error the other direction has no use either.
    let how = if copied.is_ok() { Shutdown::Write } else { Shutdown::Both };
    let _shut = to.shutdown(how);
    if copied.is_err() {
        let _shut = from.shutdown(Shutdown::Both);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::sync::mpsc;

    /// A server that answers what it is told, in capitals.
    fn server() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            let mut text = String::new();
            client.read_to_string(&mut text).unwrap();
            client.write_all(text.to_uppercase().as_bytes()).unwrap();
        });
        address
    }

    /// What the proxy answers, and what it reports.
    fn ask(allowed: &[String], request: &str, then: &str) -> (String, Vec<AttemptOutcome>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        let allowed: Vec<Destination> = allowed.iter().map(|d| d.parse().unwrap()).collect();
        let (send, reports) = mpsc::channel();
        let served = thread::spawn(move || {
            drop(serve(accepted, &allowed, |attempt| {
                send.send(attempt.outcome).map_err(io::Error::other)
            }));
        });
        write!(client, "{request} HTTP/1.1\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        let mut byte = [0u8; 1];
        while !answer.ends_with(b"\r\n\r\n") && client.read(&mut byte).unwrap() > 0 {
            answer.push(byte[0]);
        }
        client.write_all(then.as_bytes()).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        client.read_to_end(&mut answer).unwrap();
        served.join().unwrap();
        (String::from_utf8(answer).unwrap(), reports.iter().collect())
    }

    #[test]
    fn a_granted_place_is_connected_both_ways() {
        let address = server().to_string();
        let (answer, reports) =
            ask(std::slice::from_ref(&address), &format!("CONNECT {address}"), "hello");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(answer.ends_with("\r\n\r\nHELLO"), "{answer}");
        assert_eq!(reports, [AttemptOutcome::Connected]);
    }

    #[test]
    fn another_place_and_another_port_are_refused() {
        let address = server();
        let granted = format!("127.0.0.1:{}", address.port() ^ 1);
        for place in [address.to_string(), "erp.example.com:443".to_owned()] {
            let (answer, reports) =
                ask(std::slice::from_ref(&granted), &format!("CONNECT {place}"), "");
            assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
            assert!(answer.contains("permissions.network"), "{answer}");
            assert_eq!(reports, [AttemptOutcome::Refused]);
        }
    }

    #[test]
    fn a_name_does_not_lead_to_the_machine_itself() {
        let port = server().port();
        let granted = format!("localhost:{port}");
        let (answer, reports) =
            ask(std::slice::from_ref(&granted), &format!("CONNECT {granted}"), "");
        assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
        assert_eq!(reports, [AttemptOutcome::Unreachable]);
        for address in ["169.254.169.254", "127.0.0.2", "0.0.0.0", "224.0.0.1", "::1", "fe80::1"] {
            assert!(!may_be_named(address.parse().unwrap()), "{address}");
        }
        assert!(may_be_named("10.0.0.1".parse().unwrap()));
    }

    #[test]
    fn plain_requests_and_noise_are_answered() {
        assert!(ask(&[], "GET http://example.com/", "").0.starts_with("HTTP/1.1 405 "));
        assert!(ask(&[], "CONNECT example.com", "").0.starts_with("HTTP/1.1 400 "));
        for noise in ["\u{1}".to_owned(), "\u{1}".repeat(32 * 1024)] {
            assert!(ask(&[], &noise, "").0.starts_with("HTTP/1.1 400 "));
        }
    }
}
