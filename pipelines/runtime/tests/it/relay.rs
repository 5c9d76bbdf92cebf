//! Stands between a job and the Redis server of the tests, and refuses or cuts on purpose.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::world::service;

/// What becomes of a command.
pub(crate) enum Passage {
    /// The server gets it.
    Through,
    /// It is answered with this error; the server does not hear of it.
    Refused(&'static str),
    /// The connection is closed instead.
    Cut,
}

/// Starts a relay and gives its address.
///
/// - `passage`: is asked for each command, by its name in capitals.
pub(crate) fn relay(passage: impl FnMut(&str) -> Passage + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    let passage = Arc::new(Mutex::new(passage));
    thread::spawn(move || {
        for client in listener.incoming() {
            let passage = Arc::clone(&passage);
            // Ends with an error when one side goes.
            thread::spawn(move || pass(client?, |name| (*passage.lock().unwrap())(name)));
        }
    });
    url
}

fn pass(client: TcpStream, mut passage: impl FnMut(&str) -> Passage) -> io::Result<()> {
    let server = TcpStream::connect(service("MESOFLOW_TEST_REDIS"))?;
    let mut from_client = BufReader::new(client.try_clone()?);
    let mut from_server = BufReader::new(server.try_clone()?);
    let (mut to_client, mut to_server) = (client, server);
    loop {
        let command = value(&mut from_client)?;
        // An array whose first text is the name: *N, $LENGTH, NAME.
        let name = String::from_utf8_lossy(&command).to_ascii_uppercase();
        let name = name.split("\r\n").nth(2).unwrap_or_default();
        match passage(name) {
            Passage::Through => {
                to_server.write_all(&command)?;
                to_client.write_all(&value(&mut from_server)?)?;
            }
            Passage::Refused(why) => to_client.write_all(format!("-{why}\r\n").as_bytes())?,
            Passage::Cut => return Ok(()),
        }
    }
}

/// The bytes of the next command or answer.
fn value(from: &mut BufReader<TcpStream>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if from.read_until(b'\n', &mut bytes)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let count = std::str::from_utf8(&bytes[1..]).ok();
    let count = count.and_then(|text| text.trim_end().parse::<i64>().ok());
    match (bytes[0], count) {
        (b'$', Some(length @ 0..)) => {
            let mut text = vec![0; length as usize + 2];
            from.read_exact(&mut text)?;
            bytes.extend(text);
        }
        (b'*', Some(count)) => {
            for _ in 0..count {
                bytes.extend(value(from)?);
            }
        }
        _ => {}
    }
    Ok(bytes)
}
