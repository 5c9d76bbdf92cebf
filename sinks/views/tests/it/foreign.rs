//! What other programs left in a store is named, and nothing is half written because of it.

use model::view::{Kind, ViewKey};
use views::{Call, Command, SqliteStore, ViewError, ViewStore};

use crate::support::{History, InRedis, InSqlite, Place, complete, fill, put};

#[test]
fn a_bucket_of_another_type_stops_the_call_before_its_first_command() {
    let place = InRedis::new();
    let history = History::of(&[("a", &[(1, Some(1)), (2, Some(2))])]);
    fill(&place, &history, 1, 1);
    let foreign = place.keys.of(&ViewKey::likes("z"));
    let mut set = redis::cmd("SET");
    set.arg(&foreign)
        .arg("not a view")
        .exec(&mut place.raw())
        .unwrap();
    let before = place.image();
    let mut store = place.open();

    let mut commands: Vec<_> = history.all(2).into_iter().map(put).collect();
    commands.push(Command::Delete {
        key: ViewKey::likes("z"),
    });
    let call = Call::new(&complete(1, 1), complete(1, 2), commands);
    let errors = [
        store.apply(&call).unwrap_err(),
        store.likes("z").unwrap_err(),
        list_all(&mut *store).unwrap_err(),
    ];

    for error in errors {
        assert!(matches!(error, ViewError::WrongType { .. }), "{error:?}");
        assert!(error.to_string().contains(&foreign), "{error}");
    }
    assert_eq!(place.image(), before);
    assert_eq!(store.likes("a").unwrap().value.unwrap().payload, 1);
}

fn list_all(store: &mut dyn ViewStore) -> Result<(), ViewError> {
    let mut cursor = None;
    loop {
        cursor = store.list(cursor.as_ref(), 10)?.next;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

#[test]
fn a_marker_of_another_type_is_named() {
    let place = InRedis::new();
    let mut push = redis::cmd("LPUSH");
    push.arg(place.keys.marker())
        .arg("x")
        .exec(&mut place.raw())
        .unwrap();

    let errors = [
        place.open().claim(1).unwrap_err(),
        place
            .open()
            .apply(&Call {
                expect: None,
                next: complete(1, 1),
                commands: Vec::new(),
            })
            .unwrap_err(),
    ];

    for error in errors {
        assert!(matches!(error, ViewError::WrongType { .. }), "{error:?}");
        assert!(error.to_string().contains(&place.keys.marker()), "{error}");
    }
}

#[test]
fn bytes_that_are_no_text_are_named_and_not_asked_for_again_and_again() {
    let place = InRedis::new();
    let marker = place.keys.marker();
    let raw = |name: &str, args: &[&[u8]]| {
        let mut command = redis::cmd(name);
        command.arg(args).exec(&mut place.raw()).unwrap();
    };
    raw("SET", &[marker.as_bytes(), b"\xff\xfe"]);
    let error = place.open().claim(1).unwrap_err();
    assert!(matches!(error, ViewError::NotText { .. }), "{error:?}");
    assert!(error.to_string().contains(&marker), "{error}");

    raw("DEL", &[marker.as_bytes()]);
    let bucket = place.keys.bucket(Kind::Character, 5);
    raw("HSET", &[bucket.as_bytes(), b"\xff", b"1 1"]);
    let error = list_all(&mut *place.open()).unwrap_err();
    assert!(matches!(error, ViewError::NotText { .. }), "{error:?}");
}

#[test]
fn a_value_of_another_form_is_named_with_its_store() {
    let place = InSqlite::new();
    fill(&place, &History::of(&[("a", &[(1, Some(1))])]), 1, 1);
    let sql = "UPDATE likes SET value = CAST('1 many' AS BLOB)";
    place.raw().execute(sql, []).unwrap();

    let error = place.reader().likes("a").unwrap_err().to_string();

    assert!(error.contains("likes a"), "{error}");
    assert!(error.contains("views.sqlite"), "{error}");
}

#[test]
fn a_file_that_cannot_be_opened_is_named() {
    let place = InSqlite::new();
    let missing = place.file().with_file_name("no such folder").join("file");
    for error in [
        SqliteStore::open(&missing).unwrap_err(),
        SqliteStore::open_read_only(&missing).unwrap_err(),
    ] {
        assert!(matches!(error, ViewError::Open { .. }), "{error:?}");
        assert!(error.to_string().contains("no such folder"), "{error}");
    }
    let foreign = place.file();
    std::fs::write(&foreign, "not a database, but long enough for a header").unwrap();
    let error = SqliteStore::open(&foreign).unwrap_err();
    assert!(matches!(error, ViewError::Refused { .. }), "{error:?}");
}

#[test]
fn an_address_that_cannot_be_read_shows_no_password() {
    let keys = model::view::ShardKeys::new("job", 0).unwrap();
    let url = "redis://user:secret@host:port";
    let timeout = std::time::Duration::from_secs(1);
    let error = views::RedisStore::new(url, keys, timeout).unwrap_err();

    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text += &cause.to_string();
        source = cause.source();
    }
    assert!(!text.contains("secret"), "{text}");
}

#[test]
fn a_server_tells_what_an_operator_should_know() {
    let timeout = std::time::Duration::from_secs(30);
    let facts = views::RedisFacts::ask(&InRedis::url(), timeout).unwrap();

    assert_eq!(facts.place, crate::support::redis_address());
    assert!(facts.version.contains('.'), "{facts:?}");
    assert_eq!((facts.role.as_str(), facts.cluster), ("master", false));
    assert_eq!(facts.memory_policy, "noeviction");
    assert_eq!(
        facts.saves.as_deref(),
        Some(""),
        "the tests' server saves nothing"
    );
    assert_eq!(facts.script_problem, None);
}

#[test]
fn the_file_of_views_is_for_its_user_alone_also_one_that_was_made_for_others() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = InSqlite::new();
    let mode = |end: &str| {
        let path = place.file().with_file_name(format!("views.sqlite{end}"));
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    };
    let store = SqliteStore::open(&place.file()).unwrap();
    assert_eq!(["", "-wal", "-shm"].map(mode), [0o600; 3]);
    drop(store);
    std::fs::set_permissions(place.file(), std::fs::Permissions::from_mode(0o644)).unwrap();
    let _store = SqliteStore::open(&place.file()).unwrap();
    assert_eq!(mode(""), 0o600);
}
