//! Stands between a client and Redis: counts round trips, and cuts the connection before an answer.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use super::redis_address;

/// A listener whose connections lead to the Redis server of the tests.
pub(crate) struct Proxy {
    port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// Answers that began.
    turns: AtomicU64,
    /// The client spoke last.
    asked: AtomicBool,
    /// Cut the connection instead of passing on the next answer to a request that says this.
    cut_at_apply: AtomicBool,
    armed: AtomicBool,
    cuts: AtomicU64,
}

impl Proxy {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        let shared = state.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                let server = TcpStream::connect(redis_address()).unwrap();
                let (from_client, to_server) =
                    (client.try_clone().unwrap(), server.try_clone().unwrap());
                let state = shared.clone();
                thread::spawn(move || pass_requests(from_client, to_server, &state));
                let state = shared.clone();
                thread::spawn(move || pass_answers(server, client, &state));
            }
        });
        Self { port, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Round trips so far: how often the server answered after the client had asked.
    pub(crate) fn turns(&self) -> u64 {
        self.state.turns.load(Ordering::SeqCst)
    }

    /// Cuts the connection before the answer to the next script call comes through.
    pub(crate) fn cut_the_next_answer(&self) {
        self.state.cut_at_apply.store(true, Ordering::SeqCst);
    }

    /// How many connections were cut.
    pub(crate) fn cuts(&self) -> u64 {
        self.state.cuts.load(Ordering::SeqCst)
    }
}

fn pass_requests(mut client: TcpStream, mut server: TcpStream, state: &State) {
    let mut bytes = [0; 65_536];
    while let Ok(count @ 1..) = client.read(&mut bytes) {
        let is_script = bytes[..count].windows(7).any(|text| text == b"EVALSHA");
        if is_script && state.cut_at_apply.swap(false, Ordering::SeqCst) {
            state.armed.store(true, Ordering::SeqCst);
        }
        state.asked.store(true, Ordering::SeqCst);
        if server.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    // Either side may have gone first.
    let _ = server.shutdown(Shutdown::Both);
}

fn pass_answers(mut server: TcpStream, mut client: TcpStream, state: &State) {
    let mut bytes = [0; 65_536];
    while let Ok(count @ 1..) = server.read(&mut bytes) {
        if state.asked.swap(false, Ordering::SeqCst) {
            state.turns.fetch_add(1, Ordering::SeqCst);
        }
        if state.armed.swap(false, Ordering::SeqCst) {
            state.cuts.fetch_add(1, Ordering::SeqCst);
            break;
        }
        if client.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}
