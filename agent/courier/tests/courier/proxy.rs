//! A server on loopback that stands before another one and does harm, request by request.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::faults::Fault;

/// The proxy; it ends with the process.
#[derive(Debug)]
pub(crate) struct Faulty {
    port: u16,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    upstream: u16,
    fault: Fault,
    done: AtomicUsize,
    connections: AtomicUsize,
    lines: Mutex<Vec<String>>,
    /// Bodies of `POST` requests up to [`MAX_FORM`].
    forms: Mutex<Vec<String>>,
}

/// The largest body that is kept, in bytes.
const MAX_FORM: usize = 16 * 1024;

/// The head of a request.
struct Head {
    text: Vec<u8>,
    line: String,
    length: usize,
}

impl Faulty {
    /// Stands before the server at `upstream`.
    pub(crate) fn before(upstream: u16, fault: Fault) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (lines, forms) = (Mutex::default(), Mutex::default());
        let [done, connections] = [0; 2].map(AtomicUsize::new);
        let state = Arc::new(State { upstream, fault, done, connections, lines, forms });
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                shared.connections.fetch_add(1, Ordering::SeqCst);
                let state = Arc::clone(&shared);
                // How a connection ends is what the test is about.
                thread::spawn(move || drop(serve(&client, &state)));
            }
        });
        Self { port, state }
    }

    /// An address where nobody listens.
    pub(crate) fn nobody() -> String {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port())
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// How often it did harm.
    pub(crate) fn faults(&self) -> usize {
        self.state.done.load(Ordering::SeqCst)
    }

    /// How many connections were made to it.
    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// The bodies of the forms that were posted.
    pub(crate) fn forms(&self) -> Vec<String> {
        self.state.forms.lock().unwrap().clone()
    }

    /// How many requests came with `text` in their first line.
    pub(crate) fn seen(&self, text: &str) -> usize {
        self.state.lines.lock().unwrap().iter().filter(|line| line.contains(text)).count()
    }
}

impl State {
    /// Whether harm is due, at most `times` in all.
    fn is_due(&self, times: usize) -> bool {
        let due = |done| (done < times).then_some(done + 1);
        self.done.fetch_update(Ordering::SeqCst, Ordering::SeqCst, due).is_ok()
    }
}

fn serve(client: &TcpStream, state: &State) -> io::Result<()> {
    let upstream = TcpStream::connect((Ipv4Addr::LOCALHOST, state.upstream))?;
    let lose = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| answers(&upstream, client, &lose));
        let served = requests(client, &upstream, state, &lose);
        // The other direction ends with this one.
        drop(upstream.shutdown(Shutdown::Both));
        served
    })
}

fn answers(mut from: &TcpStream, mut to: &TcpStream, lose: &AtomicBool) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if lose.load(Ordering::SeqCst) || to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    drop((to.shutdown(Shutdown::Both), from.shutdown(Shutdown::Both)));
}

fn requests(
    client: &TcpStream,
    mut upstream: &TcpStream,
    state: &State,
    lose: &AtomicBool,
) -> io::Result<()> {
    let mut reader = BufReader::new(client);
    let mut passed = 0;
    while let Some(head) = read_head(&mut reader)? {
        state.lines.lock().unwrap().push(head.line.clone());
        let mut body = (&mut reader).take(head.length as u64);
        match state.fault {
            Fault::Answer(times, status, code) if state.is_due(times) => {
                io::copy(&mut body, &mut io::sink())?;
                answer(client, &head.line, status, code)?;
                continue;
            }
            Fault::Hold(text) if head.line.contains(text) => {
                state.is_due(1);
                // Until the courier is gone.
                io::copy(&mut body, &mut io::sink())?;
                io::copy(&mut reader, &mut io::sink())?;
                return Ok(());
            }
            Fault::LoseAnswer(method, text)
                if head.line.starts_with(method) && head.line.contains(text) && state.is_due(1) =>
            {
                lose.store(true, Ordering::SeqCst);
            }
            _ => {}
        }
        upstream.write_all(&head.text)?;
        passed += head.text.len();
        let mut piece = vec![0; 16 * 1024];
        while let count @ 1.. = body.read(&mut piece)? {
            passed += count;
            if head.line.starts_with("POST") && head.length <= MAX_FORM {
                let form = String::from_utf8_lossy(&piece[..count]).into_owned();
                state.forms.lock().unwrap().push(form);
            }
            match state.fault {
                Fault::ResetAfter(bytes) if passed > bytes => {
                    state.is_due(usize::MAX);
                    let now = Some(Duration::ZERO);
                    return Ok(rustix::net::sockopt::set_socket_linger(client, now)?);
                }
                Fault::Damage => piece[count - 1] ^= 1,
                _ => {}
            }
            upstream.write_all(&piece[..count])?;
        }
    }
    Ok(())
}

fn read_head(reader: &mut impl BufRead) -> io::Result<Option<Head>> {
    let (mut text, mut line, mut length) = (Vec::new(), None, 0);
    loop {
        let begin = text.len();
        if reader.read_until(b'\n', &mut text)? == 0 {
            return Ok(None);
        }
        let row = String::from_utf8_lossy(&text[begin..]).trim_end().to_owned();
        if row.is_empty() {
            return Ok(Some(Head { text, line: line.unwrap_or_default(), length }));
        }
        if let Some((name, value)) = row.split_once(": ")
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.parse().map_err(io::Error::other)?;
        }
        line.get_or_insert(row);
    }
}

fn answer(mut client: &TcpStream, line: &str, status: u16, code: &str) -> io::Result<()> {
    let body = format!("<Error><Code>{code}</Code><Message>from a test</Message></Error>");
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/xml\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let body = if line.starts_with("HEAD") { String::new() } else { body };
    client.write_all((head + &body).as_bytes())
}
