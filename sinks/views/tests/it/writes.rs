//! Writes of differences: what is written, how often, and in how many calls.

use std::collections::BTreeSet;

use model::Epoch;
use model::view::{Progress, ProgressKind};
use views::{COMMANDS_MAX, Probed, Step, ViewError, Written};

use crate::support::{
    CODE, Fault, History, Job, Place, assert_true_of, catch_up, differences, fill, marker_of,
    origin,
};

in_both_stores!(
    differences_make_the_store_true_of_their_target,
    a_value_that_did_not_change_is_not_written,
    an_epoch_without_changes_moves_the_marker_alone,
    a_write_of_several_calls_names_its_target_until_it_is_done,
    whoever_comes_next_finishes_the_target_first,
    a_write_out_of_step_is_refused,
    a_write_that_is_abandoned_is_finished_by_the_next,
    an_idle_store_that_is_as_it_was_is_fine,
);

fn story() -> History {
    History::of(&[
        ("stays", &[(1, Some(1))]),
        ("changes", &[(1, Some(1)), (3, Some(2))]),
        ("goes", &[(1, Some(1)), (2, None)]),
        ("comes", &[(2, Some(5))]),
        (
            "there and back",
            &[(1, Some(1)), (2, Some(2)), (3, Some(1))],
        ),
        ("comes and goes", &[(2, Some(1)), (3, None)]),
    ])
}

fn differences_make_the_store_true_of_their_target(place: &dyn Place) {
    let history = story();
    fill(place, &history, 1, 1);
    let (mut writer, _) = Job::default().writer(place, CODE);
    for to in [2, 3] {
        let from = writer.as_of().unwrap_or(Epoch(1));
        let changes = history.between(from, Epoch(to));
        assert_eq!(
            writer.write(from, Epoch(to), changes).unwrap(),
            Written::Done
        );
        assert_true_of(place, &history, to);
    }
    let value = place.reader().likes("changes").unwrap().value.unwrap();
    assert_eq!(value.changed_at, Epoch(3));
    let value = place.reader().likes("comes").unwrap().value.unwrap();
    assert_eq!(value.changed_at, Epoch(2), "before the write's last epoch");
}

fn a_value_that_did_not_change_is_not_written(place: &dyn Place) {
    let history = story();
    fill(place, &history, 1, 1);
    let (mut writer, faults) = Job::default().writer(place, CODE);

    catch_up(&mut writer, &history, 1, 3).unwrap();

    // The first call was the claim.
    let commands: Vec<_> = faults.sent()[1..]
        .iter()
        .flat_map(|call| call.commands.clone())
        .collect();
    let keys: BTreeSet<&str> = commands.iter().map(|command| &*command.key().id).collect();
    assert_eq!(keys, ["changes", "comes", "goes"].into());
    assert_eq!(commands.len(), keys.len(), "each at most once");
    let value = place.reader().likes("stays").unwrap().value.unwrap();
    assert_eq!(value.changed_at, Epoch(1));
}

fn an_epoch_without_changes_moves_the_marker_alone(place: &dyn Place) {
    let history = story();
    fill(place, &history, 1, 3);
    let (mut writer, faults) = Job::default().writer(place, CODE);

    assert_eq!(writer.need().unwrap(), differences(3, None));
    writer.write(Epoch(3), Epoch(9), Vec::new()).unwrap();

    assert_eq!(faults.sent().len(), 2, "the claim and the marker");
    assert_true_of(place, &history, 9);
}

fn a_write_of_several_calls_names_its_target_until_it_is_done(place: &dyn Place) {
    let history = History::of_many(2 * COMMANDS_MAX + 1);
    fill_many(place, &history);
    let (mut writer, faults) = Job::default().writer(place, CODE);
    writer.need().unwrap();
    faults.come(&[Fault::None, Fault::CrashAfter]);

    let crashed = writer.write(Epoch(1), Epoch(2), history.between(Epoch(1), Epoch(2)));

    assert!(matches!(crashed, Err(ViewError::Refused { .. })));
    let marker = marker_of(place).unwrap();
    assert_eq!(marker.as_of, Some(Epoch(1)), "true of this or a later one");
    let Some(Progress {
        state,
        target,
        part,
        ..
    }) = marker.progress
    else {
        panic!("{marker:?}");
    };
    assert_eq!((state, target, part), (ProgressKind::Writing, Epoch(2), 2));
    let mut reader = place.reader();
    let mut count = |id: &str| reader.likes(id).unwrap().value.unwrap().payload;
    assert_eq!([count("k0000"), count("k1999"), count("k2000")], [2, 2, 1]);
}

/// More than a call takes.
fn fill_many(place: &dyn Place, history: &History) {
    let changes = history.all(1).into_iter().map(crate::support::put);
    let commands: Vec<_> = changes.collect();
    let marker = model::view::Marker::empty(1);
    place.open().claim(1).unwrap();
    let mut calls = views::decide::write_calls(&marker, Epoch(1), &origin(CODE), 1, commands);
    let mut store = place.open();
    for call in calls.drain(..) {
        assert_eq!(store.apply(&call).unwrap(), views::Answer::Applied);
    }
}

fn whoever_comes_next_finishes_the_target_first(place: &dyn Place) {
    let mut history = History::of_many(COMMANDS_MAX + 500);
    // One key that changes again, back to what it was: differences to 3 alone would leave it at 2.
    history.set("k0007", 3, Some(1));
    fill_many(place, &history);
    let job = Job::default();
    let (mut first, faults) = job.writer(place, CODE);
    first.need().unwrap();
    faults.come(&[Fault::CrashAfter]);
    let crashed = first.write(Epoch(1), Epoch(2), history.between(Epoch(1), Epoch(2)));
    assert!(crashed.is_err());

    let (mut second, _) = job.writer(place, CODE);
    assert_eq!(second.need().unwrap(), differences(1, Some(2)));
    let past_it = second.write(Epoch(1), Epoch(3), history.between(Epoch(1), Epoch(3)));
    assert!(matches!(past_it, Err(ViewError::OutOfStep { .. })));
    let steps = catch_up(&mut second, &history, 1, 3).unwrap();

    let write = |from, to| Step::Write {
        from: Epoch(from),
        to: Epoch(to),
    };
    assert_eq!(steps, [write(1, 2), write(2, 3)]);
    assert_true_of(place, &history, 3);
}

fn a_write_out_of_step_is_refused(place: &dyn Place) {
    let history = story();
    fill(place, &history, 1, 2);
    let (mut writer, _) = Job::default().writer(place, CODE);
    writer.need().unwrap();
    let before = place.image();
    // The base is what the store has, never what was loaded.
    for (from, to) in [(1, 3), (3, 3), (2, 1)] {
        let written = writer.write(Epoch(from), Epoch(to), Vec::new());
        assert!(
            matches!(written, Err(ViewError::OutOfStep { .. })),
            "{from} to {to}: {written:?}"
        );
    }
    // The marker would stay what it is, and the store would take the call for done.
    let changes = history.between(Epoch(2), Epoch(3));
    let written = writer.write(Epoch(2), Epoch(2), changes);
    assert!(matches!(written, Err(ViewError::OutOfStep { .. })));
    // What has been shown is not taken back.
    let written = writer.rewrite(Epoch(1), history.all(1));
    assert!(matches!(written, Err(ViewError::OutOfStep { .. })));
    assert_eq!(place.image(), before);
}

fn a_write_that_is_abandoned_is_finished_by_the_next(place: &dyn Place) {
    let history = History::of_many(COMMANDS_MAX + 500);
    fill_many(place, &history);
    let job = Job::default();
    let (mut first, _) = job.writer(place, CODE);
    first.need().unwrap();
    job.abandon_after(1);
    let abandoned = first.write(Epoch(1), Epoch(2), history.between(Epoch(1), Epoch(2)));
    assert!(matches!(abandoned, Err(ViewError::Abandoned { .. })));
    assert_eq!(marker_of(place).unwrap().as_of, Some(Epoch(1)));

    let (mut second, _) = job.goes_on().writer(place, CODE);
    catch_up(&mut second, &history, 1, 2).unwrap();

    assert_true_of(place, &history, 2);
}

fn an_idle_store_that_is_as_it_was_is_fine(place: &dyn Place) {
    fill(place, &story(), 1, 3);
    let (mut writer, faults) = Job::default().writer(place, CODE);
    writer.need().unwrap();
    let before = place.image();

    assert_eq!(writer.probe().unwrap(), Probed::Fine);

    assert_eq!(faults.sent().len(), 1, "a look is no call");
    assert_eq!(place.image(), before);
}
