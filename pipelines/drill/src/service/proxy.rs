//! A TCP proxy that can be told to misbehave, and counts how often it did.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Result;

use super::free_port;

/// What a proxy does to what passes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// Holds every piece of a reply for so long.
    Delay(Duration),
    /// Takes requests and gives no reply, as long as this lasts.
    Stall,
    /// Closes connections and takes no new ones.
    Refuse,
    /// Passes one request on, gives half of its reply and closes the connection.
    HalveReply,
    /// Passes one request on, swallows its reply and closes the connection: done, and not acknowledged.
    DropReply,
}

/// How often a proxy did what.
#[derive(Debug, Default)]
struct Counts {
    delayed: AtomicU64,
    stalled: AtomicU64,
    refused: AtomicU64,
    cut: AtomicU64,
    halved: AtomicU64,
    dropped: AtomicU64,
}

/// The proxy.
#[derive(Debug)]
pub(crate) struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    target: AtomicU16,
    fault: Mutex<Fault>,
    counts: Counts,
    ended: AtomicBool,
    /// One more: connections opened before are to be closed.
    era: AtomicU64,
}

/// How often a piece that is held is looked at again.
const LOOK: Duration = Duration::from_millis(20);

impl Proxy {
    /// Starts a proxy for a port of this machine.
    pub(crate) fn start(target: u16) -> Result<Self> {
        let port = free_port()?;
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        let shared = Arc::new(Shared {
            target: AtomicU16::new(target),
            fault: Mutex::new(Fault::None),
            counts: Counts::default(),
            ended: AtomicBool::new(false),
            era: AtomicU64::new(0),
        });
        let accepting = Arc::clone(&shared);
        thread::Builder::new()
            .name("proxy".to_owned())
            .spawn(move || accept(&listener, &accepting))?;
        Ok(Self { port, shared })
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Where new connections lead from now on.
    pub(crate) fn lead_to(&self, target: u16) {
        self.shared.target.store(target, Ordering::SeqCst);
    }

    /// Does this from now on.
    pub(crate) fn set(&self, fault: Fault) {
        *self.shared.fault() = fault;
        if fault == Fault::Refuse {
            self.cut();
        }
    }

    /// Closes all connections that are open.
    pub(crate) fn cut(&self) {
        self.shared.era.fetch_add(1, Ordering::SeqCst);
    }

    /// How often it did what since this was asked last.
    pub(crate) fn take_counts(&self) -> Vec<(&'static str, u64)> {
        let counts = &self.shared.counts;
        [
            ("delayed", &counts.delayed),
            ("stalled", &counts.stalled),
            ("refused", &counts.refused),
            ("cut", &counts.cut),
            ("halved", &counts.halved),
            ("dropped", &counts.dropped),
        ]
        .map(|(what, count)| (what, count.swap(0, Ordering::SeqCst)))
        .into_iter()
        .filter(|&(_, times)| times > 0)
        .collect()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        self.cut();
        // Wakes the thread that accepts.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

impl Shared {
    fn fault(&self) -> std::sync::MutexGuard<'_, Fault> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a fault that strikes once.
    fn take(&self, wanted: Fault) -> bool {
        let mut fault = self.fault();
        let is_so = *fault == wanted;
        if is_so {
            *fault = Fault::None;
        }
        is_so
    }
}

fn count(of: &AtomicU64) {
    of.fetch_add(1, Ordering::SeqCst);
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for client in listener.incoming() {
        if shared.ended.load(Ordering::SeqCst) {
            return;
        }
        let Ok(client) = client else { continue };
        if *shared.fault() == Fault::Refuse {
            count(&shared.counts.refused);
            continue;
        }
        let target = SocketAddr::from(([127, 0, 0, 1], shared.target.load(Ordering::SeqCst)));
        let Ok(server) = TcpStream::connect(target) else {
            continue;
        };
        let era = shared.era.load(Ordering::SeqCst);
        let pairs = [
            (client.try_clone(), server.try_clone(), false),
            (Ok(server), Ok(client), true),
        ];
        for (from, to, is_reply) in pairs {
            let (Ok(from), Ok(to)) = (from, to) else {
                continue;
            };
            let shared = Arc::clone(shared);
            let spawned = thread::Builder::new()
                .name("proxied".to_owned())
                .spawn(move || pass(&from, &to, is_reply, era, &shared));
            if let Err(error) = spawned {
                tracing::error!(%error, "a connection through the proxy has no thread");
            }
        }
    }
}

/// Passes bytes of one direction on until either side closes or the connection is cut.
fn pass(mut from: &TcpStream, mut to: &TcpStream, is_reply: bool, era: u64, shared: &Shared) {
    let mut buffer = vec![0; 64 << 10];
    let is_cut = || shared.era.load(Ordering::SeqCst) != era;
    let timeout = from.set_read_timeout(Some(LOOK));
    let nodelay = to.set_nodelay(true);
    if timeout.is_err() || nodelay.is_err() {
        return;
    }
    loop {
        if is_cut() {
            count(&shared.counts.cut);
            break;
        }
        let length = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                continue;
            }
            Err(_) => break,
        };
        let mut piece = &buffer[..length];
        if is_reply {
            if shared.take(Fault::DropReply) {
                count(&shared.counts.dropped);
                break;
            }
            if shared.take(Fault::HalveReply) {
                count(&shared.counts.halved);
                piece = &piece[..length / 2];
                // The rest never comes, whether or not this half arrives.
                let _ = to.write_all(piece);
                break;
            }
            let fault = *shared.fault();
            match fault {
                Fault::Delay(time) => {
                    count(&shared.counts.delayed);
                    thread::sleep(time);
                }
                Fault::Stall => {
                    count(&shared.counts.stalled);
                    while *shared.fault() == Fault::Stall && !is_cut() {
                        thread::sleep(LOOK);
                    }
                }
                _ => {}
            }
        }
        if to.write_all(piece).is_err() {
            break;
        }
    }
    // Both directions end together; one that is closed already stays so.
    for side in [from, to] {
        let _ = side.shutdown(Shutdown::Both);
    }
}
