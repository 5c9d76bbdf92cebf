//! Views in Redis: one Lua script that checks, applies and writes the marker last.

mod config;
mod connection;
mod connector;
mod facts;
mod failure;
mod script;

use std::time::Duration;

use ::redis::{Cmd, Value, from_redis_value};
use model::view::{Kind, ShardKeys, ViewKey};

use crate::call::{Answer, Call, Command};
use crate::error::ViewError;
use crate::scrub::ListOrder;
use crate::store::{Cursor, Page, Snapshot, Stray, ViewReader, ViewStore};
pub use config::{RedisConfig, RedisUrl, RedisUrlError, SentinelConfig, sentinel_address};
use connection::Connection;
pub use facts::RedisFacts;
use script::Script;

const APPLY: &str = include_str!("redis/apply.lua");
const LIST: &str = include_str!("redis/list.lua");

/// The most buckets that a piece of a listing looks at.
const BUCKETS_MAX: u32 = 4_096;

/// Reads the views of a shard.
#[derive(Debug)]
pub struct RedisReader {
    connection: Connection,
    keys: ShardKeys,
    list: Script,
}

/// Reads and writes the views of a shard.
#[derive(Debug)]
pub struct RedisStore {
    reader: RedisReader,
    apply: Script,
}

impl RedisReader {
    /// A reader of the shard of `keys` on the server of `config`, or at an address. It connects when it
    /// is first asked, and again after an error; no answer takes longer than `timeout` to become one.
    pub fn new(
        config: impl Into<RedisConfig>,
        keys: ShardKeys,
        timeout: Duration,
    ) -> Result<Self, ViewError> {
        let connection = Connection::new(&config.into(), timeout)?;
        Ok(Self {
            connection,
            keys,
            list: Script::new(LIST),
        })
    }
}

impl RedisStore {
    /// A store like [`RedisReader::new`], to be written too.
    pub fn new(
        config: impl Into<RedisConfig>,
        keys: ShardKeys,
        timeout: Duration,
    ) -> Result<Self, ViewError> {
        let reader = RedisReader::new(config, keys, timeout)?;
        Ok(Self {
            reader,
            apply: Script::new(APPLY),
        })
    }
}

impl ViewReader for RedisReader {
    fn place(&self) -> &str {
        self.connection.place()
    }

    fn order(&self) -> ListOrder {
        ListOrder::ByBucket
    }

    fn read(&mut self, keys: &[ViewKey]) -> Result<Snapshot, ViewError> {
        // Not `Pipeline::atomic`: redis 1.8.1 panics there when the server refuses the MULTI itself.
        let mut pipe = ::redis::pipe();
        pipe.ignore_errors();
        pipe.cmd("MULTI");
        pipe.cmd("GET").arg(self.keys.marker());
        for key in keys {
            pipe.cmd("HGET").arg(self.keys.of(key)).arg(&*key.id);
        }
        pipe.cmd("EXEC");
        let answers = self.connection.ask(
            "read views",
            |_| self.keys.marker(),
            |connection| {
                let mut answers: Vec<Value> = pipe.query(connection)?;
                let executed = answers.pop().unwrap_or(Value::Nil);
                match executed {
                    Value::Array(answers) => Ok(answers),
                    // What was refused as a whole is refused by EXEC too. Those before it say why.
                    other => {
                        for answer in answers {
                            answer.extract_error()?;
                        }
                        Ok(Vec::from([other.extract_error()?]))
                    }
                }
            },
        )?;
        let mut values: Vec<Option<Vec<u8>>> = Vec::with_capacity(answers.len());
        for (place, answer) in answers.into_iter().enumerate() {
            let is_wrong_type =
                matches!(&answer, Value::ServerError(error) if error.code() == "WRONGTYPE");
            if is_wrong_type {
                let key = match place.checked_sub(1).and_then(|place| keys.get(place)) {
                    Some(key) => self.keys.of(key),
                    None => self.keys.marker(),
                };
                let store = self.place().to_owned();
                return Err(ViewError::WrongType { store, key });
            }
            let value = answer
                .extract_error()
                .and_then(|value| Ok(from_redis_value(value)?));
            values.push(value.map_err(|error| self.connection.refused("read views", error))?);
        }
        let marker = match values.is_empty() {
            true => None,
            false => values.remove(0),
        };
        let marker = self.text_of(marker, || self.keys.marker())?;
        Ok(Snapshot { marker, values })
    }

    fn list(&mut self, cursor: Option<&Cursor>, limit: u32) -> Result<Page, ViewError> {
        let (kind, first) = bucket_of(cursor);
        let end = kind.buckets().min(first.saturating_add(BUCKETS_MAX));
        let buckets: Vec<String> = (first..end)
            .map(|bucket| self.keys.bucket(kind, bucket))
            .collect();
        let command = self.list.call(
            std::iter::once(self.keys.marker()).chain(buckets),
            std::iter::once(limit.to_string()),
        );
        let (marker, looked_at, ids, counts, wrong): Listed =
            self.connection.run("list views", &self.list, command)?;
        if let Some(key) = wrong {
            let store = self.place().to_owned();
            return Err(ViewError::WrongType { store, key });
        }
        let bucket = || {
            format!(
                "a field in a bucket from {} on",
                self.keys.bucket(kind, first)
            )
        };
        let (mut keys, mut strays) = (Vec::with_capacity(ids.len()), Vec::new());
        let mut ids = ids.into_iter();
        for (bucket_number, count) in (first..).zip(counts) {
            for id in ids.by_ref().take(count) {
                let id = self.text(id, bucket)?.into();
                let key = ViewKey { kind, id };
                if key.bucket() == bucket_number {
                    keys.push(key);
                } else {
                    let bucket = bucket_number;
                    strays.push(Stray { key, bucket });
                }
            }
        }
        Ok(Page {
            marker: self.text_of(marker, || self.keys.marker())?,
            keys,
            strays,
            next: next_bucket(kind, first + looked_at),
        })
    }
}

/// Marker, buckets looked at, fields, how many of them each bucket has, and a key of another type, if
/// there was one.
type Listed = (
    Option<Vec<u8>>,
    u32,
    Vec<Vec<u8>>,
    Vec<usize>,
    Option<String>,
);

impl RedisReader {
    fn text(&self, bytes: Vec<u8>, key: impl FnOnce() -> String) -> Result<String, ViewError> {
        String::from_utf8(bytes).map_err(|_| ViewError::NotText {
            store: self.place().to_owned(),
            key: key(),
        })
    }

    fn text_of(
        &self,
        bytes: Option<Vec<u8>>,
        key: impl FnOnce() -> String,
    ) -> Result<Option<String>, ViewError> {
        bytes.map(|bytes| self.text(bytes, key)).transpose()
    }
}

impl ViewReader for RedisStore {
    fn place(&self) -> &str {
        self.reader.place()
    }

    fn order(&self) -> ListOrder {
        self.reader.order()
    }

    fn read(&mut self, keys: &[ViewKey]) -> Result<Snapshot, ViewError> {
        self.reader.read(keys)
    }

    fn list(&mut self, cursor: Option<&Cursor>, limit: u32) -> Result<Page, ViewError> {
        self.reader.list(cursor, limit)
    }
}

impl ViewStore for RedisStore {
    fn apply(&mut self, call: &Call) -> Result<Answer, ViewError> {
        let command = self.apply_command(call);
        let reader = &mut self.reader;
        let (answer, detail): (String, String) =
            reader
                .connection
                .run("apply a call", &self.apply, command)?;
        let store = || reader.connection.place().to_owned();
        match answer.as_str() {
            "applied" => Ok(Answer::Applied),
            "done" => Ok(Answer::DoneAlready),
            "gap" => Ok(Answer::Gap),
            "fenced" => match detail.parse() {
                Ok(by) => Ok(Answer::Fenced { by }),
                Err(source) => Err(refused(store(), source)),
            },
            "wrong type" => Err(ViewError::WrongType {
                store: store(),
                key: detail,
            }),
            other => Err(refused(store(), format!("the script answered {other:?}"))),
        }
    }
}

impl RedisStore {
    fn apply_command(&self, call: &Call) -> Cmd {
        let shard = &self.reader.keys;
        let keys = call.commands.iter().map(|command| match command {
            Command::DeleteStray { key, bucket } => shard.bucket(key.kind, *bucket),
            other => shard.of(other.key()),
        });
        let generation = call.next.generation.to_string();
        let next = call.next.to_text();
        let head = [
            call.expect.as_deref().unwrap_or_default(),
            &next,
            &generation,
        ];
        let mut command = self
            .apply
            .call(std::iter::once(shard.marker()).chain(keys), head);
        for change in &call.commands {
            let letter = match change {
                Command::Put { .. } => "P",
                Command::PutIfOther { .. } => "O",
                Command::Delete { .. } | Command::DeleteStray { .. } => "D",
            };
            command
                .arg(letter)
                .arg(&*change.key().id)
                .arg(change.value());
        }
        command
    }
}

fn refused(
    store: String,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> ViewError {
    ViewError::Refused {
        doing: "apply a call",
        store,
        source: source.into(),
    }
}

/// The bucket at which a listing goes on; a cursor of another store's form starts its bucket again.
fn bucket_of(cursor: Option<&Cursor>) -> (Kind, u32) {
    match cursor {
        None => (Kind::ALL[0], 0),
        Some(Cursor::Bucket(kind, bucket)) => (*kind, *bucket),
        Some(Cursor::After(key)) => (key.kind, key.bucket()),
    }
}

fn next_bucket(kind: Kind, bucket: u32) -> Option<Cursor> {
    if bucket < kind.buckets() {
        return Some(Cursor::Bucket(kind, bucket));
    }
    let following = Kind::ALL
        .into_iter()
        .skip_while(|other| *other != kind)
        .nth(1);
    following.map(|kind| Cursor::Bucket(kind, 0))
}
