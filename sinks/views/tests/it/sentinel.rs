//! A master that Sentinel replaces is followed; and a server that hangs in a handshake holds nobody up.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use model::view::ShardKeys;
use views::{
    Answer, Call, RedisConfig, RedisReader, RedisStore, SentinelConfig, ViewError, ViewReader as _,
    ViewStore as _,
};

use crate::support::complete;

const PATIENCE: Duration = Duration::from_secs(60);

/// A server that is killed when it is dropped.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        // Below the ports that the system gives to whoever asks for any.
        let first = (std::process::id() as usize * 7) % 12_000;
        let mut ports = (20_000..32_000).cycle().skip(first);
        let port = ports
            .find(|&port| TcpListener::bind(("127.0.0.1", port)).is_ok())
            .unwrap();
        let child = Command::new("redis-server")
            .args(arguments)
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let begin = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begin.elapsed() < PATIENCE, "it does not listen");
            thread::sleep(Duration::from_millis(10));
        }
        Self { child, port }
    }

    /// What the server answers to a command.
    fn ask(&self, words: &[&str]) -> String {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}", self.port)).unwrap();
        let mut connection = client.get_connection_with_timeout(PATIENCE).unwrap();
        let mut command = redis::cmd(words[0]);
        words[1..].iter().for_each(|word| {
            command.arg(word);
        });
        let answer: redis::Value = command.query(&mut connection).unwrap();
        format!("{answer:?}")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After a kill there is nothing left to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < PATIENCE, "{what} does not come");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_writer_finds_the_master_by_sentinels_and_the_new_one_after_a_failover() {
    let folder = tempfile::tempdir().unwrap();
    let apart = ["--save", "", "--dbfilename"];
    let old = Server::start(folder.path(), &[&apart[..], &["old.rdb"]].concat());
    let old_port = old.port.to_string();
    let follows = [
        &apart[..],
        &["new.rdb", "--replicaof", "127.0.0.1", &old_port],
    ]
    .concat();
    let new = Server::start(folder.path(), &follows);
    until("the replica", || {
        new.ask(&["INFO", "replication"])
            .contains("master_link_status:up")
    });
    let text = format!(
        "sentinel monitor views 127.0.0.1 {old_port} 1
         sentinel down-after-milliseconds views 500
         sentinel failover-timeout views 2000"
    );
    fs::write(folder.path().join("sentinel.conf"), text).unwrap();
    let sentinel = Server::start(folder.path(), &["sentinel.conf", "--sentinel"]);
    until("the replica at the sentinel", || {
        let port = format!("{}", new.port);
        sentinel
            .ask(&["SENTINEL", "replicas", "views"])
            .contains(&port)
    });

    let config = RedisConfig {
        url: "redis://sentinels".to_owned(),
        sentinel: Some(SentinelConfig {
            // Nobody listens on port 1: the next one is asked.
            addresses: vec![
                "127.0.0.1:1".to_owned(),
                format!("127.0.0.1:{}", sentinel.port),
            ],
            master: "views".to_owned(),
            login: None,
        }),
        ..RedisConfig::default()
    };
    let keys = ShardKeys::new("sentinel", 0).unwrap();
    let mut store = RedisStore::new(&config, keys.clone(), Duration::from_secs(2)).unwrap();
    let call = |expect: Option<String>, epoch| Call {
        expect,
        next: complete(1, epoch),
        commands: Vec::new(),
    };
    assert_eq!(store.apply(&call(None, 1)).unwrap(), Answer::Applied);
    assert_eq!(store.place(), "views (by sentinels)");
    until("the marker at the replica", || {
        new.ask(&["GET", &keys.marker()]).contains("as_of")
    });

    drop(old);
    let next = call(Some(complete(1, 1).to_text()), 2);
    let mut waited = 0;
    until("the new master", || match store.apply(&next) {
        Ok(answer) => {
            assert_eq!(answer, Answer::Applied);
            true
        }
        Err(error) => {
            assert!(error.is_transient(), "{error:?}");
            waited += 1;
            false
        }
    });
    assert!(waited > 0);
    let marker = new.ask(&["GET", &keys.marker()]).replace('\\', "");
    assert!(marker.contains("\"as_of\":2"), "{marker}");

    let unknown = RedisConfig {
        sentinel: config.sentinel.clone().map(|sentinel| SentinelConfig {
            master: "others".to_owned(),
            ..sentinel
        }),
        ..config
    };
    let mut reader = RedisReader::new(&unknown, keys, Duration::from_secs(2)).unwrap();
    let error = reader.marker().unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("knows no master others"), "{cause}");
}

#[test]
fn a_server_that_never_answers_the_handshake_is_away_and_holds_nobody_up() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("rediss://{}", silent.local_addr().unwrap());
    let keys = ShardKeys::new("silent", 0).unwrap();
    let mut reader = RedisReader::new(&url, keys, Duration::from_millis(200)).unwrap();
    for _ in 0..3 {
        // Without an end of its own this would wait for ever.
        let error = reader.marker().unwrap_err();
        assert!(matches!(error, ViewError::Unanswered { .. }), "{error:?}");
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains("TLS handshake"), "{cause}");
    }
    // And it is one connection that was begun, not one a try.
    silent.set_nonblocking(true).unwrap();
    let begun = (0..10).filter(|_| silent.accept().is_ok()).count();
    assert_eq!(begun, 1);
}
