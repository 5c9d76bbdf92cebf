//! Where views are kept, each test apart from all others; a whole store can be copied and put back.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use model::view::{Kind, ShardKeys, ViewKey};
use views::{RedisReader, RedisStore, SqliteStore, ViewReader, ViewStore};

/// Everything that a store held at a moment: where, id, bytes.
pub(crate) type Image = Vec<(String, String, Vec<u8>)>;

/// A store that a test has for itself.
pub(crate) trait Place: Sync {
    /// A connection that writes.
    fn open(&self) -> Box<dyn ViewStore>;
    /// A connection that reads.
    fn reader(&self) -> Box<dyn ViewReader>;
    /// A copy of everything, as a replica has it.
    fn image(&self) -> Image;
    /// Makes the store what the copy says, as a failover to that replica does.
    fn put_back(&self, image: &Image);
    /// Puts a text in the marker's place.
    fn set_marker(&self, text: &str);
    /// Changes, adds or deletes a value behind the writers' back.
    fn damage(&self, key: &ViewKey, bytes: Option<&[u8]>);
    /// The keys of all values, in order, found without the store's own listing.
    fn held(&self) -> Vec<ViewKey>;
}

/// A shard of a job of its own in the Redis server of the tests.
pub(crate) struct InRedis {
    pub(crate) keys: ShardKeys,
    pub(crate) tag: String,
}

/// `host:port` of the Redis server of the tests.
pub(crate) fn redis_address() -> String {
    std::env::var("MESOFLOW_TEST_REDIS").expect(
        "MESOFLOW_TEST_REDIS is not set: run the tests by ./test, or by \
         ./test --services-only cargo test -p views",
    )
}

/// Long enough for a machine that does ten things at once.
const TIMEOUT: Duration = Duration::from_secs(30);

impl InRedis {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let since_1970 = SystemTime::UNIX_EPOCH.elapsed().unwrap();
        let job = format!(
            "t{}-{}-{}",
            std::process::id(),
            since_1970.as_nanos(),
            NUMBER.fetch_add(1, Ordering::Relaxed)
        );
        Self {
            keys: ShardKeys::new(&job, 0).unwrap(),
            tag: format!("{{{job}:0}}"),
        }
    }

    pub(crate) fn url() -> String {
        format!("redis://{}", redis_address())
    }

    pub(crate) fn store_at(&self, url: &str) -> RedisStore {
        RedisStore::new(url, self.keys.clone(), TIMEOUT).unwrap()
    }

    /// A plain connection, for what no writer does.
    pub(crate) fn raw(&self) -> redis::Connection {
        let client = redis::Client::open(Self::url()).unwrap();
        client.get_connection_with_timeout(TIMEOUT).unwrap()
    }

    pub(crate) fn all_keys(&self) -> Vec<String> {
        let pattern = format!("{}:*", self.tag);
        let mut keys: Vec<String> = redis::cmd("KEYS")
            .arg(pattern)
            .query(&mut self.raw())
            .unwrap();
        keys.sort();
        keys
    }
}

impl Drop for InRedis {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.put_back(&Image::new());
        }
    }
}

impl Place for InRedis {
    fn open(&self) -> Box<dyn ViewStore> {
        Box::new(self.store_at(&Self::url()))
    }

    fn reader(&self) -> Box<dyn ViewReader> {
        let reader = RedisReader::new(&Self::url(), self.keys.clone(), TIMEOUT);
        Box::new(reader.unwrap())
    }

    fn image(&self) -> Image {
        let mut connection = self.raw();
        let keys = self.all_keys().into_iter();
        keys.map(|key| {
            let dump = redis::cmd("DUMP").arg(&key).query(&mut connection).unwrap();
            (key, String::new(), dump)
        })
        .collect()
    }

    fn put_back(&self, image: &Image) {
        let mut pipe = redis::pipe();
        pipe.atomic();
        for key in self.all_keys() {
            pipe.cmd("DEL").arg(key);
        }
        for (key, _, dump) in image {
            pipe.cmd("RESTORE").arg(key).arg(0).arg(dump);
        }
        pipe.exec(&mut self.raw()).unwrap();
    }

    fn set_marker(&self, text: &str) {
        let mut set = redis::cmd("SET");
        set.arg(self.keys.marker()).arg(text);
        set.exec(&mut self.raw()).unwrap();
    }

    fn damage(&self, key: &ViewKey, bytes: Option<&[u8]>) {
        let mut command = redis::cmd(if bytes.is_some() { "HSET" } else { "HDEL" });
        command.arg(self.keys.of(key)).arg(&*key.id).arg(bytes);
        command.exec(&mut self.raw()).unwrap();
    }

    fn held(&self) -> Vec<ViewKey> {
        let mut connection = self.raw();
        let mut held = Vec::new();
        for bucket in self.all_keys() {
            let kind = match &bucket[self.tag.len()..self.tag.len() + 3] {
                ":c:" => Kind::Character,
                ":l:" => Kind::Likes,
                _ => continue,
            };
            let mut fields = redis::cmd("HKEYS");
            let ids: Vec<String> = fields.arg(bucket).query(&mut connection).unwrap();
            let keys = ids.into_iter().map(|id| ViewKey {
                kind,
                id: id.into(),
            });
            held.extend(keys);
        }
        held.sort();
        held
    }
}

/// A file in a folder of its own.
pub(crate) struct InSqlite {
    folder: tempfile::TempDir,
}

impl InSqlite {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("views.sqlite")
    }

    pub(crate) fn raw(&self) -> rusqlite::Connection {
        // Makes the tables, if nobody did.
        drop(SqliteStore::open(&self.file()).unwrap());
        let connection = rusqlite::Connection::open(self.file()).unwrap();
        connection.busy_timeout(TIMEOUT).unwrap();
        connection
    }
}

impl Place for InSqlite {
    fn open(&self) -> Box<dyn ViewStore> {
        Box::new(SqliteStore::open(&self.file()).unwrap())
    }

    fn reader(&self) -> Box<dyn ViewReader> {
        Box::new(SqliteStore::open_read_only(&self.file()).unwrap())
    }

    fn image(&self) -> Image {
        let raw = self.raw();
        let rows = "SELECT 'marker', id, CAST(text AS BLOB) FROM marker
                    UNION ALL SELECT 'character', id, value FROM character
                    UNION ALL SELECT 'likes', id, value FROM likes";
        let mut statement = raw.prepare(rows).unwrap();
        let rows = statement.query_map([], |row| {
            let id: rusqlite::types::Value = row.get(1)?;
            let id = match id {
                rusqlite::types::Value::Text(id) => id,
                _ => String::new(),
            };
            Ok((row.get(0)?, id, row.get(2)?))
        });
        rows.unwrap().map(Result::unwrap).collect()
    }

    fn put_back(&self, image: &Image) {
        let mut raw = self.raw();
        let all = raw
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
            .unwrap();
        all.execute_batch("DELETE FROM marker; DELETE FROM character; DELETE FROM likes;")
            .unwrap();
        for (table, id, bytes) in image {
            if table == "marker" {
                let text = std::str::from_utf8(bytes).unwrap();
                all.execute("INSERT INTO marker (id, text) VALUES (0, ?1)", [text])
                    .unwrap();
            } else {
                all.execute(
                    &format!("INSERT INTO {table} (id, value) VALUES (?1, ?2)"),
                    (id, bytes),
                )
                .unwrap();
            }
        }
        all.commit().unwrap();
    }

    fn set_marker(&self, text: &str) {
        let sql = "INSERT OR REPLACE INTO marker (id, text) VALUES (0, ?1)";
        self.raw().execute(sql, [text]).unwrap();
    }

    fn damage(&self, key: &ViewKey, bytes: Option<&[u8]>) {
        let (table, id) = (key.kind.name(), &*key.id);
        let changed = match bytes {
            Some(bytes) => self.raw().execute(
                &format!("INSERT OR REPLACE INTO {table} (id, value) VALUES (?1, ?2)"),
                (id, bytes),
            ),
            None => self
                .raw()
                .execute(&format!("DELETE FROM {table} WHERE id = ?1"), [id]),
        };
        assert_eq!(changed.unwrap(), 1, "{id}");
    }

    fn held(&self) -> Vec<ViewKey> {
        let rows = self.image().into_iter();
        let mut held: Vec<_> = rows
            .filter_map(|(table, id, _)| match table.as_str() {
                "character" => Some(ViewKey::character(id)),
                "likes" => Some(ViewKey::likes(id)),
                _ => None,
            })
            .collect();
        held.sort();
        held
    }
}
