//! A store that is away, and comes back: a port before it that can be shut.

use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// The port. It ends with the process.
#[derive(Debug)]
pub struct Gate {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    open: AtomicBool,
    under_way: Mutex<Vec<TcpStream>>,
}

impl Gate {
    /// One before `http://127.0.0.1:PORT`, shut.
    ///
    /// # Panics
    /// When there is no port for it.
    #[must_use]
    pub fn before(url: &str) -> Self {
        let port = url.rsplit(':').next().and_then(|port| port.parse().ok());
        let port: u16 = port.unwrap_or_else(|| panic!("{url} has no port"));
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap_or_else(|e| panic!("{e}"));
        let address = listener.local_addr().unwrap_or_else(|e| panic!("{e}"));
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if shared.open.load(Ordering::SeqCst) {
                    // A connection that fails is what the programs meet with every store.
                    drop(pass(client, port, &shared));
                }
            }
        });
        Self { address, state }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Lets through from now on.
    pub fn open(&self) {
        self.state.open.store(true, Ordering::SeqCst);
    }

    /// Breaks off what is under way, and lets nothing through.
    ///
    /// # Panics
    /// When a thread before did.
    pub fn shut(&self) {
        self.state.open.store(false, Ordering::SeqCst);
        let mut under_way = self.state.under_way.lock().unwrap_or_else(|e| panic!("{e}"));
        for stream in under_way.drain(..) {
            drop(stream.shutdown(Shutdown::Both));
        }
    }
}

fn pass(client: TcpStream, port: u16, state: &State) -> io::Result<()> {
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    for (mut from, mut to) in
        [(client.try_clone()?, server.try_clone()?), (server.try_clone()?, client.try_clone()?)]
    {
        thread::spawn(move || {
            drop(io::copy(&mut from, &mut to));
            drop(to.shutdown(Shutdown::Write));
        });
    }
    if let Ok(mut under_way) = state.under_way.lock() {
        under_way.extend([client, server]);
    }
    Ok(())
}
