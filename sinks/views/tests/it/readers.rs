//! What readers get while a job writes: value and marker of one moment, in one round trip.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use model::Epoch;
use model::view::ViewKey;
use views::{SqliteStore, ViewChange, ViewReader};

use crate::support::{CODE, History, InRedis, InSqlite, Job, Place, Proxy, fill, redis_address};

in_both_stores!(
    a_reader_sees_value_and_marker_of_one_moment,
    several_values_are_of_one_moment,
    what_is_not_there_is_told_with_the_marker,
);

const LAST: u64 = 300;

/// Writes `value = epoch` to both keys at every epoch, one call each.
fn write_all(place: &dyn Place) {
    let (mut writer, _) = Job::default().writer(place, CODE);
    writer.need().unwrap();
    for epoch in 2..=LAST {
        let count = i64::try_from(epoch).unwrap();
        let changes = ["a", "b"].map(|id| ViewChange::likes(id, Epoch(epoch), Some(count)));
        writer
            .write(Epoch(epoch - 1), Epoch(epoch), changes.to_vec())
            .unwrap();
    }
}

fn start(place: &dyn Place) {
    let both = History::of(&[("a", &[(1, Some(1))]), ("b", &[(1, Some(1))])]);
    fill(place, &both, 1, 1);
}

fn while_writing(place: &dyn Place, read: impl Fn(&mut dyn ViewReader) -> u64 + Sync) {
    start(place);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut reader = place.reader();
            let mut newest = 0;
            loop {
                let last_look = done.load(Ordering::SeqCst);
                let seen = read(&mut *reader);
                assert!(seen >= newest, "{seen} after {newest}");
                newest = seen;
                if last_look {
                    assert_eq!(newest, LAST);
                    return;
                }
            }
        });
        write_all(place);
        done.store(true, Ordering::SeqCst);
    });
}

fn a_reader_sees_value_and_marker_of_one_moment(place: &dyn Place) {
    while_writing(place, |reader| {
        let reading = reader.likes("a").unwrap();
        let as_of = reading.marker.unwrap().as_of.unwrap();
        let value = reading.value.unwrap();
        assert_eq!(value.changed_at, as_of);
        assert_eq!(value.payload.unsigned_abs(), as_of.0);
        as_of.0
    });
}

fn several_values_are_of_one_moment(place: &dyn Place) {
    let keys = [ViewKey::likes("a"), ViewKey::likes("b")];
    while_writing(place, |reader| {
        let snapshot = reader.read(&keys).unwrap();
        assert_eq!(snapshot.values[0], snapshot.values[1]);
        let value = snapshot.values[0].as_deref().unwrap();
        let text = std::str::from_utf8(value).unwrap();
        text.split(' ').next().unwrap().parse().unwrap()
    });
}

fn what_is_not_there_is_told_with_the_marker(place: &dyn Place) {
    let nothing = place.open().likes("a").unwrap();
    assert_eq!((nothing.marker, nothing.value), (None, None));

    start(place);

    let nothing = place.reader().likes("nobody").unwrap();
    assert_eq!(nothing.marker.unwrap().as_of, Some(Epoch(1)));
    assert_eq!(nothing.value, None);
    assert_eq!(place.reader().character("a").unwrap().value, None);
}

#[test]
fn redis_gives_value_and_marker_in_one_round_trip() {
    let place = InRedis::new();
    start(&place);
    let proxy = Proxy::new();
    let mut reader = place.store_at(&proxy.url());
    reader.likes("a").unwrap();
    let connected = proxy.turns();

    for _ in 0..10 {
        reader.likes("b").unwrap();
    }

    assert_eq!(proxy.turns() - connected, 10);
}

#[test]
fn the_commands_of_the_documentation_find_the_value() {
    let place = InRedis::new();
    start(&place);
    let address = redis_address();
    let (host, port) = address.rsplit_once(':').unwrap();
    let script = "return {redis.call('GET',KEYS[1]..':marker'), redis.call('HGET',KEYS[1]..':l:'..string.sub(redis.sha1hex(ARGV[1]),1,5),ARGV[1])}";
    let documentation = include_str!("../../../../docs/views.md");
    assert!(documentation.contains(script), "the script is another");

    let output = Command::new("redis-cli")
        .args(["-h", host, "-p", port])
        .args(["EVAL_RO", script, "1", &place.tag, "a"])
        .output()
        .expect("redis-cli comes with the redis-server of the tests");

    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let marker = crate::support::complete(1, 1).to_text();
    assert_eq!(lines, [marker.as_str(), "1 1"]);
}

/// A process of another language that reads the file until it sees the last epoch.
const OTHER_PROCESS: &str = r"
import sqlite3, sys, json
path, last = sys.argv[1], int(sys.argv[2])
db = sqlite3.connect('file:' + path + '?mode=ro', uri=True, isolation_level=None)
newest = reads = 0
while newest < last:
    db.execute('BEGIN')
    marker = json.loads(db.execute('SELECT text FROM marker').fetchone()[0])
    value = db.execute('SELECT value FROM likes WHERE id = ?', ('a',)).fetchone()[0]
    db.execute('COMMIT')
    changed_at, count = value.split(b' ')
    assert int(changed_at) == int(count) == marker['as_of'], (marker, value)
    assert marker['as_of'] >= newest, (marker, newest)
    newest = marker['as_of']
    if reads == 0:
        print('reading', flush=True)
    reads += 1
";

#[test]
fn another_process_reads_the_file_while_it_is_written() {
    let python = std::env::var("MESOFLOW_TEST_PYTHON").expect(
        "MESOFLOW_TEST_PYTHON is not set: run the tests by ./test, or by \
         ./test --services-only cargo test -p views",
    );
    let place = InSqlite::new();
    start(&place);
    let mut reading = Command::new(python)
        .args(["-c", OTHER_PROCESS])
        .arg(place.file())
        .arg(LAST.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = [0; 8];
    let stdout = reading.stdout.as_mut().unwrap();
    std::io::Read::read_exact(stdout, &mut said).unwrap();
    assert_eq!(&said, b"reading\n", "it reads before the first write");

    write_all(&place);

    assert!(reading.wait().unwrap().success());
}

#[test]
fn a_file_is_read_when_its_writer_has_gone() {
    let place = InSqlite::new();
    start(&place);
    write_all(&place);

    let mut reader = SqliteStore::open_read_only(&place.file()).unwrap();

    let reading = reader.likes("a").unwrap();
    assert_eq!(reading.marker.unwrap().as_of, Some(Epoch(LAST)));
}
