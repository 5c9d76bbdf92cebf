//! Views in one SQLite file: a call is a transaction; other processes read while it is written.

use std::fs::{self, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

use model::view::{Kind, Stamped, ViewKey};
use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension, Transaction, TransactionBehavior,
};

use crate::call::{Answer, Call, Command};
use crate::decide;
use crate::error::ViewError;
use crate::scrub::ListOrder;
use crate::store::{Cursor, Page, Snapshot, ViewReader, ViewStore};

/// How long a transaction waits for another process' one.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS marker (id INTEGER PRIMARY KEY CHECK (id = 0), text TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS character (id TEXT PRIMARY KEY, value BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS likes (id TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;";

/// Reads the views in a file, also while another process writes them.
#[derive(Debug)]
pub struct SqliteReader {
    connection: Connection,
    place: String,
}

/// Reads and writes the views in a file.
#[derive(Debug)]
pub struct SqliteStore {
    reader: SqliteReader,
}

impl SqliteStore {
    /// Opens the file, or makes it; its folder must be there.
    pub fn open(path: &Path) -> Result<Self, ViewError> {
        make_private(path).map_err(|source| ViewError::Open {
            store: path.display().to_string(),
            source: source.into(),
        })?;
        let reader = SqliteReader::open(path, OpenFlags::default())?;
        reader
            .connection
            // In write-ahead mode readers and the writer do not wait for each other. After a power
            // failure the newest calls may be gone, marker and values alike: the writer goes on
            // from there by differences, so that no call needs a sync of its own.
            .execute_batch(&format!(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
                 BEGIN IMMEDIATE; {SCHEMA} COMMIT;"
            ))
            .map_err(|source| reader.failed("create the tables", source))?;
        Ok(Self { reader })
    }

    /// Opens the file of another process to read it.
    pub fn open_read_only(path: &Path) -> Result<SqliteReader, ViewError> {
        SqliteReader::open(
            path,
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )
    }
}

/// Makes the file where there is none, and keeps it to its user: what SQLite puts beside it has its rights.
/// One that is there is not opened: to close it would end the locks that this process has on it.
fn make_private(path: &Path) -> io::Result<()> {
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match made {
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    match fs::set_permissions(path, Permissions::from_mode(mode & 0o700)) {
        // It is another user's, who decides who may read it.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            tracing::warn!(path = %path.display(), "others may read the view store: chmod 600 it");
            Ok(())
        }
        kept => kept,
    }
}

impl SqliteReader {
    fn open(path: &Path, flags: OpenFlags) -> Result<Self, ViewError> {
        let place = path.display().to_string();
        let opened = Connection::open_with_flags(path, flags).and_then(|connection| {
            connection.busy_timeout(BUSY_TIMEOUT)?;
            Ok(connection)
        });
        match opened {
            Ok(connection) => Ok(Self { connection, place }),
            Err(source) => Err(ViewError::Open {
                store: place,
                source: source.into(),
            }),
        }
    }

    fn failed(&self, doing: &'static str, source: rusqlite::Error) -> ViewError {
        failed(&self.place, doing, source)
    }
}

fn failed(place: &str, doing: &'static str, source: rusqlite::Error) -> ViewError {
    let store = place.to_owned();
    match source.sqlite_error_code() {
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::OutOfMemory,
        ) => ViewError::Unanswered {
            doing,
            store,
            source: source.into(),
        },
        _ => ViewError::Refused {
            doing,
            store,
            source: source.into(),
        },
    }
}

impl ViewReader for SqliteReader {
    fn place(&self) -> &str {
        &self.place
    }

    fn order(&self) -> ListOrder {
        ListOrder::ById
    }

    fn read(&mut self, keys: &[ViewKey]) -> Result<Snapshot, ViewError> {
        let read = |connection: &mut Connection| {
            let moment = connection.transaction()?;
            let marker = marker(&moment)?;
            let values: rusqlite::Result<_> = keys.iter().map(|key| value(&moment, key)).collect();
            Ok(Snapshot {
                marker,
                values: values?,
            })
        };
        read(&mut self.connection).map_err(|source| self.failed("read views", source))
    }

    fn list(&mut self, cursor: Option<&Cursor>, limit: u32) -> Result<Page, ViewError> {
        let (kind, after) = match cursor {
            None => (Kind::ALL[0], ""),
            // Another store's form: this one lists without buckets, from the start of the kind.
            Some(Cursor::Bucket(kind, _)) => (*kind, ""),
            Some(Cursor::After(key)) => (key.kind, &*key.id),
        };
        let list = |connection: &mut Connection| {
            let moment = connection.transaction()?;
            let marker = marker(&moment)?;
            let mut statement = moment.prepare_cached(&format!(
                "SELECT id FROM {} WHERE id > ?1 ORDER BY id LIMIT ?2",
                kind.name()
            ))?;
            let ids = statement.query_map((after, limit), |row| row.get::<_, String>(0))?;
            let keys: rusqlite::Result<Vec<_>> = ids
                .map(|id| {
                    Ok(ViewKey {
                        kind,
                        id: id?.into(),
                    })
                })
                .collect();
            Ok((marker, keys?))
        };
        let (marker, keys) =
            list(&mut self.connection).map_err(|source| self.failed("list views", source))?;
        let next = match keys.last() {
            Some(last) if keys.len() >= limit as usize => Some(Cursor::After(last.clone())),
            _ => {
                let following = Kind::ALL
                    .into_iter()
                    .skip_while(|other| *other != kind)
                    .nth(1);
                following.map(|kind| {
                    Cursor::After(ViewKey {
                        kind,
                        id: "".into(),
                    })
                })
            }
        };
        Ok(Page {
            marker,
            keys,
            strays: Vec::new(),
            next,
        })
    }
}

impl ViewReader for SqliteStore {
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

impl ViewStore for SqliteStore {
    fn apply(&mut self, call: &Call) -> Result<Answer, ViewError> {
        apply(&mut self.reader.connection, call)
            .map_err(|source| self.reader.failed("apply a call", source))
    }
}

fn apply(connection: &mut Connection, call: &Call) -> rusqlite::Result<Answer> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let answer = decide::answer(marker(&transaction)?.as_deref(), call);
    if answer == Answer::Applied {
        for command in &call.commands {
            carry_out(&transaction, command)?;
        }
        transaction
            .prepare_cached("INSERT OR REPLACE INTO marker (id, text) VALUES (0, ?1)")?
            .execute([call.next.to_text()])?;
        transaction.commit()?;
    }
    Ok(answer)
}

fn carry_out(transaction: &Transaction<'_>, command: &Command) -> rusqlite::Result<()> {
    let key = command.key();
    let table = key.kind.name();
    let put = || {
        let sql = format!(
            "INSERT INTO {table} (id, value) VALUES (?1, ?2)
             ON CONFLICT (id) DO UPDATE SET value = excluded.value"
        );
        transaction
            .prepare_cached(&sql)?
            .execute((&*key.id, command.value()))
            .map(drop)
    };
    match command {
        Command::Put { .. } => put(),
        Command::PutIfOther { value: wanted, .. } => match value(transaction, key)? {
            Some(held) if payload(&held) == payload(wanted) => Ok(()),
            _ => put(),
        },
        Command::Delete { .. } => {
            let sql = format!("DELETE FROM {table} WHERE id = ?1");
            transaction
                .prepare_cached(&sql)?
                .execute([&*key.id])
                .map(drop)
        }
        // There are no buckets.
        Command::DeleteStray { .. } => Ok(()),
    }
}

fn payload(value: &[u8]) -> &[u8] {
    Stamped::parse(value).map_or(value, |stamped| stamped.payload)
}

fn marker(moment: &Transaction<'_>) -> rusqlite::Result<Option<String>> {
    let mut statement = moment.prepare_cached("SELECT text FROM marker WHERE id = 0")?;
    statement.query_row([], |row| row.get(0)).optional()
}

fn value(moment: &Transaction<'_>, key: &ViewKey) -> rusqlite::Result<Option<Vec<u8>>> {
    // What was put there by hand may be of another type.
    let sql = format!(
        "SELECT CAST(value AS BLOB) FROM {} WHERE id = ?1",
        key.kind.name()
    );
    moment
        .prepare_cached(&sql)?
        .query_row([&*key.id], |row| row.get(0))
        .optional()
}
