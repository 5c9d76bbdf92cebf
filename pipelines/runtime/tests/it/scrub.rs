//! Damage that is planted in the views of finished and running jobs: it is found under its name, and put
//! right or said; and nothing is found where there is none.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use model::view::{Kind, ShardKeys, ViewKey};
use runtime::{Finding, Report, Until};
use sources::generator::GeneratorConfig;

use crate::answer::Answer;
use crate::world::{Running, World, service, views};

const RULES: &str = "kms_2026_03";

/// A pass takes well under a second in a small world, and the next follows at once.
pub(crate) const SCRUB: &str =
    "[scrub]\nevery_seconds = 1\nkeys_per_second = 100000\nbytes_per_second = 1000000000";

/// What was found of `of`, by the name of the damage.
pub(crate) fn found(report: &Report, of: &str) -> BTreeMap<String, u64> {
    let scrub = report.scrubs.get(of);
    scrub.map(|scrub| scrub.found.clone()).unwrap_or_default()
}

pub(crate) fn passes(report: &Report, of: &str) -> u64 {
    report.scrubs.get(of).map_or(0, |scrub| scrub.passes)
}

/// The lines of the job's log of findings.
pub(crate) fn logged(folder: &Path) -> Vec<Finding> {
    let text = std::fs::read_to_string(folder.join("findings.jsonl")).unwrap();
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Damages values behind the job's back.
trait Store {
    /// Gives a key other bytes, or none.
    fn set(&mut self, key: &ViewKey, bytes: Option<&[u8]>);
    /// The stored bytes of a key.
    fn get(&mut self, key: &ViewKey) -> Vec<u8>;
}

struct Redis {
    keys: ShardKeys,
    connection: redis::Connection,
}

impl Redis {
    fn of(world: &World) -> Self {
        let url = format!("redis://{}", service("MESOFLOW_TEST_REDIS"));
        Self {
            keys: ShardKeys::new(world.name(), 0).unwrap(),
            connection: redis::Client::open(url).unwrap().get_connection().unwrap(),
        }
    }
}

impl Store for Redis {
    fn set(&mut self, key: &ViewKey, bytes: Option<&[u8]>) {
        let mut command = redis::cmd(if bytes.is_some() { "HSET" } else { "HDEL" });
        command.arg(self.keys.of(key)).arg(&*key.id).arg(bytes);
        command.exec(&mut self.connection).unwrap();
    }

    fn get(&mut self, key: &ViewKey) -> Vec<u8> {
        let mut get = redis::cmd("HGET");
        get.arg(self.keys.of(key)).arg(&*key.id);
        get.query(&mut self.connection).unwrap()
    }
}

struct Sqlite(rusqlite::Connection);

impl Sqlite {
    fn of(folder: &Path) -> Self {
        let connection = rusqlite::Connection::open(folder.join("views.sqlite")).unwrap();
        connection
            .busy_timeout(std::time::Duration::from_secs(30))
            .unwrap();
        Self(connection)
    }
}

impl Store for Sqlite {
    fn set(&mut self, key: &ViewKey, bytes: Option<&[u8]>) {
        let (table, id) = (key.kind.name(), &*key.id);
        let changed = match bytes {
            Some(bytes) => self.0.execute(
                &format!("INSERT OR REPLACE INTO {table} (id, value) VALUES (?1, ?2)"),
                (id, bytes),
            ),
            None => self
                .0
                .execute(&format!("DELETE FROM {table} WHERE id = ?1"), [id]),
        };
        assert_eq!(changed.unwrap(), 1, "{id}");
    }

    fn get(&mut self, key: &ViewKey) -> Vec<u8> {
        let sql = format!("SELECT value FROM {} WHERE id = ?1", key.kind.name());
        self.0
            .query_row(&sql, [&*key.id], |row| row.get(0))
            .unwrap()
    }
}

/// Damages six values, each in another way; returns how often each damage is to be found.
fn damage(store: &mut dyn Store, world: &World) -> BTreeMap<String, u64> {
    let right = Answer::right(world, RULES);
    let ocids: Vec<&String> = right.characters.keys().collect();
    let liked: Vec<&String> = right.likes.keys().collect();
    let character = |place: usize| ViewKey::character(ocids[place].as_str());
    let likes = |place: usize| ViewKey::likes(liked[place].as_str());
    let mut altered = store.get(&character(0));
    let at = altered.len() / 2;
    altered[at] ^= 1;
    store.set(&character(0), Some(&altered));
    store.set(&character(1), None);
    store.set(&ViewKey::character("nobody"), Some(&altered));
    store.set(&likes(0), Some(b"1 123456789"));
    store.set(&likes(1), None);
    let text = String::from_utf8(store.get(&likes(2))).unwrap();
    let (_, count) = text.split_once(' ').unwrap();
    let stamped = format!("{} {count}", u64::MAX);
    store.set(&likes(2), Some(stamped.as_bytes()));
    [("altered", 2), ("missing", 2), ("extra", 1), ("stamp", 1)]
        .map(|(name, count)| (name.to_owned(), count))
        .into()
}

fn assert_redis_is_right(world: &World) {
    assert_eq!(Answer::of_redis(world.name()), Answer::right(world, RULES));
}

#[test]
fn damage_of_a_running_job_in_redis_is_found_by_its_name_and_put_right() {
    let world = World::small("scrub-running");
    let folder = tempfile::tempdir().unwrap();
    let job = world.job(folder.path(), &format!("{SCRUB}\n{}", views()));
    let running = Running::start(&job, Until::Stopped);
    running.until("two passes", |report| passes(report, "views") >= 2);
    running.until("all records", |report| report.counts().read() == 1_150);
    running.until("no damage", |report| found(report, "views").is_empty());

    let mut redis = Redis::of(&world);
    let wanted = damage(&mut redis, &world);
    // A field where no reader looks for it.
    let bucket = redis.keys.bucket(Kind::Likes, 0);
    let mut stray = redis::cmd("HSET");
    stray.arg(&bucket).arg("astray").arg("1 1");
    stray.exec(&mut redis.connection).unwrap();
    let strays = BTreeMap::from([("stray".to_owned(), 1)]);
    let wanted: BTreeMap<_, _> = wanted.into_iter().chain(strays).collect();
    running.until("all damage", |report| found(report, "views") == wanted);
    running.until("all repairs", |report| report.scrubs["views"].repaired == 7);
    assert_redis_is_right(&world);

    // Nothing is found again.
    let before = passes(&running.report(), "views");
    running.until("another pass", |report| {
        passes(report, "views") > before + 1
    });
    running.stop_when("its end", |_| true);
    let report = running.join();
    assert_eq!(found(&report, "views"), wanted);
    let logged = logged(folder.path());
    assert_eq!(logged.len(), 7);
    assert!(logged.iter().all(|finding| finding.repaired));
    let extra = logged.iter().find(|finding| finding.damage == "extra");
    assert_eq!(extra.unwrap().key, "character nobody");
}

#[test]
fn damage_of_a_finished_job_in_sqlite_is_found_by_the_next_start() {
    let world = World::small("scrub-finished");
    let folder = tempfile::tempdir().unwrap();
    let off = world.job(folder.path(), "[scrub]\nevery_seconds = 0");
    let report = Running::start(&off, Until::End).join();
    assert!(report.scrubs.is_empty(), "{report:?}");
    let mut sqlite = Sqlite::of(folder.path());
    let before: Vec<Vec<u8>> = values(&mut sqlite, &world);
    let wanted = damage(&mut sqlite, &world);

    let running = Running::start(&world.job(folder.path(), SCRUB), Until::Stopped);
    running.until("all repairs", |report| {
        report
            .scrubs
            .get("views")
            .is_some_and(|scrub| scrub.repaired == 6)
    });
    running.stop_when("another pass", |report| passes(report, "views") > 1);
    assert_eq!(found(&running.join(), "views"), wanted);

    let payload = |value: &Vec<u8>| {
        value
            .splitn(2, |byte| *byte == b' ')
            .nth(1)
            .unwrap()
            .to_vec()
    };
    let after = values(&mut sqlite, &world);
    assert!(before.iter().map(payload).eq(after.iter().map(payload)));
    let others = "SELECT count(*) FROM character WHERE id = 'nobody'";
    let others: i64 = sqlite.0.query_row(others, [], |row| row.get(0)).unwrap();
    assert_eq!(others, 0);
}

/// The stored bytes of all values that there should be.
fn values(store: &mut dyn Store, world: &World) -> Vec<Vec<u8>> {
    let right = Answer::right(world, RULES);
    let characters = right.characters.keys().map(|id| ViewKey::character(&**id));
    let likes = right.likes.keys().map(|id| ViewKey::likes(&**id));
    let keys = characters.chain(likes);
    keys.map(|key| store.get(&key)).collect()
}

#[test]
fn nothing_is_found_in_a_busy_job_without_damage() {
    let world = World::small("scrub-busy");
    let embedded = String::from("history_seconds = 0");
    // Another seed each: the second job would find the first one's records to be duplicates.
    for (seed, kind) in [(2, views()), (3, embedded)] {
        let folder = tempfile::tempdir().unwrap();
        let more = format!(
            "{SCRUB}\n[epoch]\nrecords_max = 50\n[tables]\ncommit_millis = 50\nnow_seconds = 1\nmaintain_seconds = 1\n{kind}"
        );
        let running = Running::start(&world.job(folder.path(), &more), Until::Stopped);
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                let config = GeneratorConfig {
                    seed,
                    characters: 60,
                    equipment: 100_000,
                    likes: 900_000,
                    unlike: 0.4,
                    ..GeneratorConfig::default()
                };
                world.write_while(config, || !is_over.load(Ordering::Relaxed));
            });
            running.until("three passes", |report| {
                passes(report, "views") >= 3 && passes(report, "tables") >= 3
            });
            is_over.store(true, Ordering::Relaxed);
        });
        running.stop_when("its end", |_| true);
        let report = running.join();
        assert_eq!(found(&report, "views"), BTreeMap::new());
        assert_eq!(found(&report, "tables"), BTreeMap::new());
        let scrub = &report.scrubs["views"];
        assert!(scrub.compared > 200 && scrub.skipped > 0, "{report:?}");
        assert!(!folder.path().join("findings.jsonl").exists());
    }
}

#[test]
fn a_bucket_of_another_type_is_said_and_the_job_goes_on() {
    let world = World::small("scrub-type");
    let folder = tempfile::tempdir().unwrap();
    let job = world.job(folder.path(), &format!("{SCRUB}\n{}", views()));
    let running = Running::start(&job, Until::Stopped);
    running.until("all records", |report| report.counts().read() == 1_150);
    running.until("a pass", |report| passes(report, "views") >= 1);

    let mut redis = Redis::of(&world);
    let bucket = redis.keys.bucket(Kind::Likes, 7);
    let mut set = redis::cmd("SET");
    set.arg(&bucket)
        .arg("text")
        .exec(&mut redis.connection)
        .unwrap();
    running.until("the finding", |report| {
        found(report, "views").contains_key("unreadable")
    });
    let mut del = redis::cmd("DEL");
    del.arg(&bucket).exec(&mut redis.connection).unwrap();
    running.stop_when("its end", |_| true);
    running.join();
    let logged = logged(folder.path());
    assert!(logged.iter().all(|finding| !finding.repaired));
    assert!(logged[0].done.contains(&bucket), "{logged:?}");
    assert_redis_is_right(&world);
}
