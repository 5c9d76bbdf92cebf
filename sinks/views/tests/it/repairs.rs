//! What a scrub does to a store: damage is seen at the marker's epoch and put right at the same epoch.

use model::Epoch;
use model::view::{ProgressKind, ViewKey};
use views::scrub::{Damage, PayloadHash, damage};
use views::{
    COMMANDS_MAX, Command, Cursor, Need, Region, Step, Stray, ViewChange, ViewError, ViewReader,
    ViewStore, Written,
};

use crate::support::{
    CODE, Fault, History, InRedis, InSqlite, Job, Place, Writer, assert_true_of, catch_up,
    differences, fill, marker_of,
};

in_both_stores!(
    damage_is_seen_and_put_right_at_the_same_epoch,
    a_repair_cut_off_is_ended_by_the_next_generation,
    a_repair_without_an_answer_is_repeated_and_its_late_copy_changes_nothing,
    a_repair_of_another_epoch_is_refused,
    a_look_at_a_store_that_was_flushed_is_a_gap,
    an_old_generation_repairs_nothing,
    regions_have_every_key_once,
);

fn key(id: &str) -> ViewKey {
    ViewKey::likes(id)
}

/// Compares every key of the history and of the listing, as a scrub does; returns what is wrong.
fn compared(writer: &mut Writer, history: &History, as_of: u64) -> Vec<(String, Damage)> {
    let right = history.state(as_of);
    let keys: Vec<ViewKey> = right.keys().cloned().collect();
    let held = writer.look(&keys).unwrap().expect("the store stands");
    let mut found = Vec::new();
    for (key, held) in keys.iter().zip(held) {
        let wanted = PayloadHash::of(right[key].to_string().as_bytes());
        if let Some(what) = damage(held.as_deref(), Some(wanted), Epoch(as_of)) {
            found.push((key.id.to_string(), what));
        }
    }
    let mut cursor = None;
    loop {
        let page = writer.look_at_list(cursor.as_ref(), 100).unwrap().unwrap();
        let extra = page.keys.iter().filter(|key| !right.contains_key(key));
        found.extend(extra.map(|key| (key.id.to_string(), Damage::Extra)));
        let strays = page.strays.iter();
        found.extend(strays.map(|stray| (stray.key.id.to_string(), Damage::Stray)));
        cursor = page.next;
        if cursor.is_none() {
            return found;
        }
    }
}

fn damage_is_seen_and_put_right_at_the_same_epoch(place: &dyn Place) {
    let mut history = History::of_many(COMMANDS_MAX + 10);
    history.set("k0004", 3, Some(7));
    let (mut writer, faults) = Job::default().writer(place, CODE);
    catch_up(&mut writer, &history, 1, 3).unwrap();
    assert_eq!(compared(&mut writer, &history, 3), []);
    let before = marker_of(place);

    place.damage(&key("k0001"), Some(b"2 1"));
    place.damage(&key("k0002"), None);
    place.damage(&key("k0003"), Some(b"4 2"));
    place.damage(&key("k0004"), Some(b"what is this"));
    place.damage(&key("more"), Some(b"2 9"));

    let named = |id: &str, what| (id.to_owned(), what);
    assert_eq!(
        compared(&mut writer, &history, 3),
        [
            named("k0001", Damage::Altered),
            named("k0002", Damage::Missing),
            named("k0003", Damage::Stamp),
            named("k0004", Damage::Altered),
            named("more", Damage::Extra),
        ]
    );
    // All of them: a repair of several calls.
    let mut right: Vec<ViewChange> = history.all(3);
    right.push(ViewChange::likes("more", Epoch(3), None));
    let sent = faults.sent().len();
    let written = writer.repair(Epoch(3), right, Vec::new()).unwrap();

    assert_eq!(written, Written::Done);
    let parts: Vec<_> = faults.sent()[sent..]
        .iter()
        .map(|call| call.next.progress.as_ref().map(|progress| progress.part))
        .collect();
    assert_eq!(parts, [Some(1), Some(2), None]);
    assert_true_of(place, &history, 3);
    assert_eq!(marker_of(place), before, "the store stands where it stood");
    assert_eq!(compared(&mut writer, &history, 3), []);
    let next = writer.write(Epoch(3), Epoch(4), history.between(Epoch(3), Epoch(4)));
    assert_eq!(next.unwrap(), Written::Done);
}

fn a_repair_cut_off_is_ended_by_the_next_generation(place: &dyn Place) {
    for crash in [Fault::CrashBefore, Fault::CrashAfter] {
        for calls_before in 0..3 {
            let history = History::of_many(COMMANDS_MAX + 10);
            let job = Job::default();
            let (mut first, faults) = job.writer(place, CODE);
            catch_up(&mut first, &history, 1, 2).unwrap();
            place.damage(&key("k0001"), None);
            faults.come(&vec![Fault::None; calls_before]);
            faults.come(&[crash]);
            let cut = first.repair(Epoch(2), history.all(2), Vec::new());
            assert!(cut.is_err(), "{cut:?}");

            let (mut second, _) = job.writer(place, CODE);
            let need = second.need().unwrap();
            let marker = marker_of(place).unwrap();
            let is_begun = marker.progress.is_some();
            if let Some(progress) = marker.progress {
                assert_eq!(
                    (progress.state, progress.target),
                    (ProgressKind::Writing, Epoch(2))
                );
                assert_eq!(need, differences(2, Some(2)));
            }
            let steps = catch_up(&mut second, &history, 1, 2).unwrap();
            let ended = Step::Write {
                from: Epoch(2),
                to: Epoch(2),
            };
            assert_eq!(steps, Vec::from_iter(is_begun.then_some(ended)));
            // What was not put right yet is found again.
            let left = compared(&mut second, &history, 2);
            let is_ended = crash == Fault::CrashAfter && calls_before == 2;
            assert_eq!(
                left.is_empty(),
                is_begun || is_ended,
                "{crash:?} {calls_before}"
            );
            second.repair(Epoch(2), history.all(2), Vec::new()).unwrap();
            assert_true_of(place, &history, 2);
            place.put_back(&Vec::new());
        }
    }
}

fn a_repair_without_an_answer_is_repeated_and_its_late_copy_changes_nothing(place: &dyn Place) {
    let history = History::of(&[("a", &[(1, Some(1)), (3, Some(5))])]);
    let (mut writer, faults) = Job::default().writer(place, CODE);
    catch_up(&mut writer, &history, 1, 2).unwrap();
    place.damage(&key("a"), Some(b"1 8"));
    faults.come(&[Fault::Late, Fault::AnswerLost, Fault::Late]);
    let written = writer.repair(Epoch(2), history.all(2), Vec::new());
    assert_eq!(written.unwrap(), Written::Done);
    assert_true_of(place, &history, 2);

    // The first copy lands where the same marker stands again: the values of the same epoch.
    let late = faults.late();
    assert_eq!(late.len(), 2);
    place.open().apply(&late[0]).unwrap();
    catch_up(&mut writer, &history, 1, 3).unwrap();
    for call in &late {
        place.open().apply(call).unwrap();
    }
    assert_true_of(place, &history, 3);
}

fn a_repair_of_another_epoch_is_refused(place: &dyn Place) {
    let history = History::of_many(3);
    let (mut writer, _) = Job::default().writer(place, CODE);
    let on_an_empty_store = writer.repair(Epoch(1), history.all(1), Vec::new());
    assert!(matches!(
        on_an_empty_store,
        Err(ViewError::OutOfStep { .. })
    ));
    catch_up(&mut writer, &history, 1, 2).unwrap();

    let behind = writer.repair(Epoch(1), history.all(1), Vec::new());

    assert!(matches!(behind, Err(ViewError::OutOfStep { .. })));
    assert_true_of(place, &history, 2);
}

fn a_look_at_a_store_that_was_flushed_is_a_gap(place: &dyn Place) {
    let history = History::of_many(3);
    let (mut writer, _) = Job::default().writer(place, CODE);
    catch_up(&mut writer, &history, 1, 2).unwrap();
    place.put_back(&Vec::new());

    assert_eq!(writer.look(&[key("k0001")]).unwrap(), None);
    assert!(matches!(writer.need().unwrap(), Need::Rewrite { .. }));
    catch_up(&mut writer, &history, 1, 2).unwrap();
    place.put_back(&Vec::new());
    assert_eq!(writer.look_at_list(None, 10).unwrap(), None);
}

fn an_old_generation_repairs_nothing(place: &dyn Place) {
    let history = History::of_many(3);
    let job = Job::default();
    let (mut old, _) = job.writer(place, CODE);
    catch_up(&mut old, &history, 1, 1).unwrap();
    let (mut new, _) = job.writer(place, CODE);
    catch_up(&mut new, &history, 1, 2).unwrap();

    let fenced = old.repair(Epoch(1), history.all(1), Vec::new());
    assert!(
        matches!(fenced, Err(ViewError::Fenced { .. })),
        "{fenced:?}"
    );
    assert_true_of(place, &history, 2);
}

fn regions_have_every_key_once(place: &dyn Place) {
    let history = History::of_many(500);
    fill(place, &history, 1, 1);
    let (mut writer, _) = Job::default().writer(place, CODE);
    let ids: Vec<String> = (0..500).map(|number| format!("k{number:04}")).collect();
    let (mut seen, mut from) = (Vec::new(), None);
    loop {
        let ids = ids.iter().map(String::as_str);
        let region = Region::next(writer.order(), from, ids, 500, 60);
        let mut cursor: Option<Cursor> = region.from.clone();
        loop {
            let page = writer.look_at_list(cursor.as_ref(), 7).unwrap().unwrap();
            seen.extend(page.keys.into_iter().filter(|key| region.contains(key)));
            if region.is_listed_by(page.next.as_ref()) {
                break;
            }
            cursor = page.next;
        }
        from = region.until;
        if from.is_none() {
            break;
        }
    }
    seen.sort();
    assert_eq!(seen, place.held());
}

#[test]
fn a_field_in_a_bucket_that_is_not_its_own_is_found_and_deleted() {
    let place = InRedis::new();
    let history = History::of_many(3);
    let (mut writer, _) = Job::default().writer(&place, CODE);
    catch_up(&mut writer, &history, 1, 2).unwrap();
    let bucket = (key("k0001").bucket() + 1) % 16;
    let stray = |field: &str| {
        let mut put = redis::cmd("HSET");
        put.arg(place.keys.bucket(key("").kind, bucket));
        put.arg(field).arg("1 1").exec(&mut place.raw()).unwrap();
    };
    stray("k0001");

    let found = compared(&mut writer, &history, 2);
    assert_eq!(found, [("k0001".to_owned(), Damage::Stray)]);
    let strays = vec![Stray {
        key: key("k0001"),
        bucket,
    }];
    writer.repair(Epoch(2), Vec::new(), strays).unwrap();
    assert_true_of(&place, &history, 2);

    // A rewrite leaves none behind either.
    stray("k0002");
    catch_up(&mut writer, &history, 9, 9).unwrap();
    assert_true_of(&place, &history, 9);
}

#[test]
fn a_value_that_was_put_into_sqlite_as_text_is_compared_like_any_other() {
    let place = InSqlite::new();
    let history = History::of_many(2);
    let (mut writer, _) = Job::default().writer(&place, CODE);
    catch_up(&mut writer, &history, 1, 2).unwrap();
    let sql = "UPDATE likes SET value = '2 7' WHERE id = 'k0001'";
    place.raw().execute(sql, []).unwrap();

    let found = compared(&mut writer, &history, 2);
    assert_eq!(found, [("k0001".to_owned(), Damage::Altered)]);
}

#[test]
fn a_stray_is_no_command_of_a_store_without_buckets() {
    let place = InSqlite::new();
    let history = History::of_many(2);
    fill(&place, &history, 1, 1);
    let mut store = place.open();
    let marker = store.marker().unwrap().unwrap();
    let next = model::view::Marker::complete(1, Epoch(2), marker.origin.clone().unwrap());
    let stray = Command::DeleteStray {
        key: key("k0001"),
        bucket: 0,
    };
    store
        .apply(&views::Call::new(&marker, next, vec![stray]))
        .unwrap();
    assert_eq!(place.held(), [key("k0000"), key("k0001")]);
}
