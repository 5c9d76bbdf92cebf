//! Rewrites in place: every value at one epoch, then the deletes of what is not held there.

use std::collections::BTreeMap;

use model::Epoch;
use model::view::ProgressKind;
use views::{COMMANDS_MAX, Need, Probed, Step, ViewError, Written};

use crate::support::{
    CODE, Fault, History, Image, Job, Place, assert_true_of, catch_up, complete, fill, marker_of,
};

in_both_stores!(
    an_empty_store_is_rewritten_in_parts,
    a_rewrite_deletes_what_the_graph_does_not_hold,
    a_rewrite_cut_off_is_begun_again_by_the_next_generation,
    a_rewrite_takes_nothing_back,
    a_store_without_history_is_rewritten,
    new_code_leaves_equal_values_alone,
    new_code_speaks_above_what_the_old_one_said,
    a_flushed_store_is_found_by_the_probe_and_filled_again,
    a_flush_in_the_middle_of_a_rewrite_is_found,
    a_listing_has_every_key_once_in_pieces_of_any_size,
);

fn an_empty_store_is_rewritten_in_parts(place: &dyn Place) {
    let history = History::of_many(COMMANDS_MAX + 1);
    let (mut writer, faults) = Job::default().writer(place, CODE);
    assert_eq!(writer.as_of(), None);

    let steps = catch_up(&mut writer, &history, 1, 2).unwrap();

    assert_eq!(steps, [Step::Rewrite { target: Epoch(2) }]);
    assert_true_of(place, &history, 2);
    let parts: Vec<_> = faults
        .sent()
        .iter()
        .map(|call| call.next.progress.as_ref().map(|progress| progress.part))
        .collect();
    // The claim, the beginning, two parts, the end.
    assert_eq!(parts, [None, Some(0), Some(1), Some(2), None]);
    let value = place.reader().likes("k0000").unwrap().value.unwrap();
    assert_eq!(value.changed_at, Epoch(2), "the rewrite's target");
}

fn a_rewrite_deletes_what_the_graph_does_not_hold(place: &dyn Place) {
    let stale = History::of(&[("stale", &[(1, Some(1))]), ("a", &[(1, Some(1))])]);
    fill(place, &stale, 1, 1);
    let history = History::of(&[("a", &[(1, Some(1))]), ("b", &[(4, Some(1))])]);
    let (mut writer, faults) = Job::default().writer(place, CODE);

    // History from 1 on is gone.
    let steps = catch_up(&mut writer, &history, 3, 5).unwrap();

    assert_eq!(steps, [Step::Rewrite { target: Epoch(5) }]);
    assert_true_of(place, &history, 5);
    let written: usize = faults.sent().iter().map(|call| call.commands.len()).sum();
    assert_eq!(written, 3, "two puts and a delete, nothing twice");
}

fn a_rewrite_cut_off_is_begun_again_by_the_next_generation(place: &dyn Place) {
    let mut history = History::of_many(2 * COMMANDS_MAX);
    // Shown by the first rewrite, gone in the second.
    history.set("k0000", 3, None);
    let job = Job::default();
    let (mut first, faults) = job.writer(place, CODE);
    first.need().unwrap();
    faults.come(&[Fault::None, Fault::CrashAfter]);
    assert!(first.rewrite(Epoch(2), history.all(2)).is_err());
    let marker = marker_of(place).unwrap();
    assert_eq!(marker.as_of, None, "not complete");
    let begun = marker.progress.unwrap();
    assert_eq!(
        (begun.state, begun.target, begun.part),
        (ProgressKind::Rewriting, Epoch(2), 1)
    );

    let (mut second, faults) = job.writer(place, CODE);
    let need = Need::Rewrite {
        at_least: Some(Epoch(2)),
        keep_equal: false,
    };
    assert_eq!(second.need().unwrap(), need);
    catch_up(&mut second, &history, 1, 3).unwrap();

    let attempts: Vec<_> = faults.sent()[1..]
        .iter()
        .filter_map(|call| call.next.progress.as_ref())
        .map(|progress| progress.attempt)
        .collect();
    assert!(attempts.iter().all(|attempt| *attempt > begun.attempt));
    assert_true_of(place, &history, 3);
}

fn a_rewrite_takes_nothing_back(place: &dyn Place) {
    let history = History::of_many(COMMANDS_MAX + 1);
    let job = Job::default();
    let (mut first, faults) = job.writer(place, CODE);
    first.need().unwrap();
    faults.come(&[Fault::None, Fault::CrashAfter]);
    assert!(first.rewrite(Epoch(2), history.all(2)).is_err());

    let (mut second, _) = job.writer(place, CODE);
    let back = second.rewrite(Epoch(1), history.all(1));

    assert!(matches!(back, Err(ViewError::OutOfStep { .. })), "{back:?}");
    let value = place.reader().likes("k0000").unwrap().value.unwrap();
    assert_eq!(value.payload, 2);
}

fn a_store_without_history_is_rewritten(place: &dyn Place) {
    let history = History::of_many(3);
    fill(place, &history, 1, 1);
    let (mut writer, _) = Job::default().writer(place, CODE);
    // Kept from 2 on, the store is at 1.
    let steps = catch_up(&mut writer, &history, 2, 3).unwrap();

    assert_eq!(steps, [Step::Rewrite { target: Epoch(3) }]);
    assert_true_of(place, &history, 3);
}

fn new_code_leaves_equal_values_alone(place: &dyn Place) {
    let old = History::of(&[
        ("equal", &[(1, Some(1))]),
        ("other", &[(1, Some(1))]),
        ("gone", &[(1, Some(1))]),
    ]);
    fill(place, &old, 1, 1);
    let new = History::of(&[("equal", &[(1, Some(1))]), ("other", &[(1, Some(7))])]);
    let (mut writer, _) = Job::default().writer(place, "new code");

    let steps = catch_up(&mut writer, &new, 1, 5).unwrap();

    assert_eq!(steps, [Step::Rewrite { target: Epoch(5) }]);
    assert_true_of(place, &new, 5);
    let mut reader = place.reader();
    let mut changed_at = |id: &str| reader.likes(id).unwrap().value.unwrap().changed_at;
    assert_eq!(changed_at("equal"), Epoch(1));
    assert_eq!(changed_at("other"), Epoch(5));
    let origin = marker_of(place).unwrap().origin.unwrap();
    assert_eq!(origin.code, "new code");
}

fn new_code_speaks_above_what_the_old_one_said(place: &dyn Place) {
    let history = History::of(&[("a", &[(1, Some(1))])]);
    fill(place, &history, 1, 5);
    let (mut writer, _) = Job::default().writer(place, "new code");

    let need = writer.need().unwrap();

    let step = views::decide::step(&need, Epoch(1), Epoch(5));
    assert_eq!(step, Step::Wait { until: Epoch(6) });
    let same = writer.rewrite(Epoch(5), history.all(5));
    assert!(matches!(same, Err(ViewError::OutOfStep { .. })));
}

fn a_flushed_store_is_found_by_the_probe_and_filled_again(place: &dyn Place) {
    let history = History::of(&[("a", &[(1, Some(1))]), ("b", &[(3, Some(1))])]);
    fill(place, &history, 1, 3);
    let (mut writer, _) = Job::default().writer(place, CODE);
    writer.need().unwrap();
    place.put_back(&Image::new());

    assert_eq!(writer.probe().unwrap(), Probed::Gap);

    // What was shown before the flush is not taken back.
    let need = Need::Rewrite {
        at_least: Some(Epoch(3)),
        keep_equal: false,
    };
    assert_eq!(writer.need().unwrap(), need);
    catch_up(&mut writer, &history, 1, 3).unwrap();
    assert_true_of(place, &history, 3);
    assert_eq!(writer.probe().unwrap(), Probed::Fine);
}

fn a_flush_in_the_middle_of_a_rewrite_is_found(place: &dyn Place) {
    let history = History::of_many(COMMANDS_MAX + 1);
    let (mut writer, _) = Job::default().writer(place, CODE);
    writer.need().unwrap();
    let values = history.all(2).into_iter().enumerate().map(|(at, value)| {
        if at == COMMANDS_MAX {
            // The first part has been written.
            assert!(!place.held().is_empty());
            place.put_back(&Image::new());
        }
        value
    });

    assert_eq!(writer.rewrite(Epoch(2), values).unwrap(), Written::Gap);
    assert_eq!(writer.standing(), None);
    catch_up(&mut writer, &history, 1, 2).unwrap();

    assert_true_of(place, &history, 2);
}

fn a_listing_has_every_key_once_in_pieces_of_any_size(place: &dyn Place) {
    let history = History::of_many(50);
    fill(place, &history, 1, 1);
    let mut reader = place.reader();
    for limit in [1, 7, 1_000] {
        let (mut seen, mut cursor) = (BTreeMap::new(), None);
        loop {
            let page = reader.list(cursor.as_ref(), limit).unwrap();
            assert_eq!(page.marker, Some(complete(1, 1).to_text()));
            for key in page.keys {
                *seen.entry(key).or_insert(0) += 1;
            }
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert!(seen.values().all(|times| *times == 1));
        assert!(seen.keys().eq(history.state(1).keys()), "limit {limit}");
    }
}
