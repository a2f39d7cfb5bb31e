//! The request of an application: `CONNECT host:port HTTP/1.1`, RFC 9110, 9.3.6.

use std::io::Read;

use karakuri_protocol::egress::Destination;

/// The longest request head, in bytes.
const MAX_HEAD: usize = 8 * 1024;
/// The most header fields.
const MAX_FIELDS: usize = 64;

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
pub enum Asked {
    /// A tunnel to this place.
    Connect(Destination),
    /// A tunnel to what is no host and port.
    Nowhere(String),
    /// Something other than a tunnel.
    Other,
    /// No HTTP request, or one that is too long.
    Malformed,
}

/// Reads a request head. What follows it in the same packet is lost: a client sends nothing before
/// the answer (RFC 9110, 9.3.6), and one that does is no better off.
///
/// # Errors
/// When the client is gone or takes too long.
pub fn read(client: &mut impl Read) -> std::io::Result<Asked> {
    let mut head = Vec::new();
    let mut buffer = [0u8; 1024];
    loop {
        let count = client.read(&mut buffer)?;
        head.extend_from_slice(&buffer[..count]);
        match parse(&head) {
            Some(asked) => return Ok(asked),
            None if count == 0 || head.len() > MAX_HEAD => return Ok(Asked::Malformed),
            None => {}
        }
    }
}

/// What a head asks for; none while it is incomplete.
fn parse(head: &[u8]) -> Option<Asked> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    match request.parse(head) {
        Ok(httparse::Status::Partial) => None,
        Err(_) => Some(Asked::Malformed),
        Ok(httparse::Status::Complete(_)) => Some(match (request.method, request.path) {
            (Some("CONNECT"), Some(path)) => {
                path.parse().map_or_else(|_| Asked::Nowhere(path.to_owned()), Asked::Connect)
            }
            _ => Asked::Other,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str) -> Asked {
        read(&mut text.as_bytes()).unwrap()
    }

    #[test]
    fn a_tunnel_is_asked_for_by_host_and_port() {
        let request = "CONNECT erp.example.com:443 HTTP/1.1\r\nHost: other:1\r\n\r\n";
        assert_eq!(asked(request), Asked::Connect("erp.example.com:443".parse().unwrap()));
    }

    #[test]
    fn everything_else_is_told_apart() {
        assert_eq!(asked("GET http://a/ HTTP/1.1\r\n\r\n"), Asked::Other);
        let nowhere = Asked::Nowhere("a/../b:1".to_owned());
        assert_eq!(asked("CONNECT a/../b:1 HTTP/1.1\r\n\r\n"), nowhere);
        for text in ["", "CONNECT a:1 HTTP/1.1\r\nHost", "\0\0", "CONNECT a:1 SMTP\r\n\r\n"] {
            assert_eq!(asked(text), Asked::Malformed, "{text:?}");
        }
        let endless = format!("CONNECT a:1 HTTP/1.1\r\nX: {}", "x".repeat(2 * MAX_HEAD));
        assert_eq!(asked(&endless), Asked::Malformed);
    }
}
