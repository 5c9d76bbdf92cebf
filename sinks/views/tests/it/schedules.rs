//! How protocols of this kind failed under a model checker, forced on the real stores: two
//! generations of one job, failovers to an earlier moment, late calls.

use model::Epoch;
use model::view::{Marker, ProgressKind};
use views::{Answer, COMMANDS_MAX, Call, Probed, Step, ViewError, Written};

use crate::support::{
    CODE, Fault, Faults, History, Image, Job, Place, Writer, assert_true_of, catch_up, complete,
    differences, fill, marker_of, put,
};

in_both_stores!(
    the_base_of_a_difference_is_what_the_store_had,
    a_write_in_flight_lands_before_the_claim_or_not_at_all,
    an_epoch_that_only_the_store_has_seen_is_told_to_the_job,
    after_a_failover_the_claim_is_made_again,
    a_write_that_lands_after_a_failover_is_gone_on_from,
    a_failover_between_two_calls_of_a_write_is_found,
    an_idle_store_is_looked_at_after_a_failover,
    a_late_part_of_an_old_rewrite_never_lands_on_a_new_one,
    a_rewrite_is_complete_only_after_its_deletes,
    a_failover_to_before_a_delete_brings_the_key_back_and_it_goes_again,
    a_late_last_call_does_not_complete_what_another_generation_cut_differently,
);

fn write(from: u64, to: u64) -> Step {
    Step::Write {
        from: Epoch(from),
        to: Epoch(to),
    }
}

/// A writer of a new generation that has claimed the store.
fn claimed(job: &Job, place: &dyn Place) -> (Writer, Faults) {
    let (mut writer, faults) = job.writer(place, CODE);
    writer.need().unwrap();
    (writer, faults)
}

/// 1: inputs are sealed at 2 (k 1→2), the store is still at 1, crash. The new copy loads k=2 and
/// nothing touches k afterwards.
fn the_base_of_a_difference_is_what_the_store_had(place: &dyn Place) {
    let history = History::of(&[("k", &[(1, Some(1)), (2, Some(2))])]);
    fill(place, &history, 1, 1);
    let job = Job::default();
    drop(claimed(&job, place));

    let (mut new, _) = job.writer(place, CODE);
    assert_eq!(new.need().unwrap(), differences(1, None));
    assert_eq!(catch_up(&mut new, &history, 1, 3).unwrap(), [write(1, 3)]);

    assert_true_of(place, &history, 3);
}

/// 3: the marker is believed only when it is claimed.
fn a_write_in_flight_lands_before_the_claim_or_not_at_all(place: &dyn Place) {
    let history = History::of(&[("k", &[(1, Some(1)), (2, Some(2)), (4, Some(4))])]);
    fill(place, &history, 1, 1);
    let job = Job::default();
    let (mut old, faults) = claimed(&job, place);
    faults.come(&[Fault::Late, Fault::CrashBefore]);
    let crashed = old.write(Epoch(1), Epoch(2), history.between(Epoch(1), Epoch(2)));
    assert!(crashed.is_err());
    let in_flight = faults.late().remove(0);
    let before = place.image();

    // It lands first: the claim finds it.
    assert_eq!(place.open().apply(&in_flight).unwrap(), Answer::Applied);
    let (mut new, _) = job.writer(place, CODE);
    assert_eq!(new.need().unwrap(), differences(2, None));

    // The claim is first: it never lands, whatever its epoch.
    place.put_back(&before);
    let (mut new, _) = job.writer(place, CODE);
    assert_eq!(new.need().unwrap(), differences(1, None));
    let fenced = Answer::Fenced { by: 3 };
    assert_eq!(place.open().apply(&in_flight).unwrap(), fenced);
    catch_up(&mut new, &history, 1, 4).unwrap();
    assert_eq!(place.open().apply(&in_flight).unwrap(), fenced);
    assert_true_of(place, &history, 4);
}

/// 5: the store stands at an epoch that no table has sealed; epochs are minted above it.
fn an_epoch_that_only_the_store_has_seen_is_told_to_the_job(place: &dyn Place) {
    let history = History::of_many(COMMANDS_MAX + 1);
    fill(place, &History::default(), 1, 1);
    let job = Job::default();
    let (mut old, faults) = claimed(&job, place);
    assert_eq!(
        old.standing().and_then(views::decide::shown),
        Some(Epoch(1))
    );
    faults.come(&[Fault::CrashAfter]);
    let crashed = old.write(Epoch(1), Epoch(2), history.between(Epoch(0), Epoch(2)));
    assert!(crashed.is_err());

    let (new, _) = claimed(&job, place);

    let seen = new.standing().and_then(views::decide::shown);
    assert_eq!(seen, Some(Epoch(2)), "also where the write was cut off");
}

/// 9: a failover loses the claim, and an old copy's write takes effect again until the newest one
/// claims again.
fn after_a_failover_the_claim_is_made_again(place: &dyn Place) {
    let history = History::of(&[("k", &[(1, Some(1)), (2, Some(2)), (3, Some(3))])]);
    fill(place, &history, 1, 1);
    let job = Job::default();
    let (mut old, _) = claimed(&job, place);
    let replica = place.image();
    let (mut new, _) = claimed(&job, place);
    catch_up(&mut new, &history, 1, 2).unwrap();
    place.put_back(&replica);
    // The old copy does not know of the new one yet: its marker stands there.
    let written = old.write(Epoch(1), Epoch(2), history.between(Epoch(1), Epoch(2)));
    assert_eq!(written.unwrap(), Written::Done);

    let written = new.write(Epoch(2), Epoch(3), history.between(Epoch(2), Epoch(3)));
    assert_eq!(written.unwrap(), Written::Gap);
    assert_eq!(new.standing(), None);
    assert_eq!(catch_up(&mut new, &history, 1, 3).unwrap(), [write(2, 3)]);

    let written = old.write(Epoch(2), Epoch(3), history.between(Epoch(2), Epoch(3)));
    assert!(matches!(written, Err(ViewError::Fenced { newest: 2, .. })));
    assert_true_of(place, &history, 3);
}

/// 9 and 14: after the failover a late write of the new copy itself lands, or one of the old.
fn a_write_that_lands_after_a_failover_is_gone_on_from(place: &dyn Place) {
    let history = History::of(&[
        ("k", &[(1, Some(1)), (2, Some(2)), (3, Some(1))]),
        ("l", &[(1, Some(1)), (3, None)]),
    ]);
    fill(place, &history, 1, 1);
    let (mut writer, faults) = claimed(&Job::default(), place);
    let replica = place.image();
    faults.come(&[Fault::Late]);
    catch_up(&mut writer, &history, 1, 2).unwrap();
    catch_up(&mut writer, &history, 1, 3).unwrap();
    place.put_back(&replica);
    let late = faults.late().remove(0);
    assert_eq!(place.open().apply(&late).unwrap(), Answer::Applied);

    assert_eq!(writer.probe().unwrap(), Probed::Gap);
    assert_eq!(
        catch_up(&mut writer, &history, 1, 3).unwrap(),
        [write(2, 3)]
    );
    assert_true_of(place, &history, 3);
}

/// 9 and 16: the first call of a write is lost by a failover, the second must not land alone.
fn a_failover_between_two_calls_of_a_write_is_found(place: &dyn Place) {
    let history = History::of_many(COMMANDS_MAX + 1);
    fill(place, &History::default(), 1, 1);
    let (mut writer, faults) = claimed(&Job::default(), place);
    let replica = place.image();
    faults.come(&[Fault::None, Fault::Late, Fault::CrashBefore]);
    let crashed = writer.write(Epoch(1), Epoch(2), history.between(Epoch(0), Epoch(2)));
    assert!(crashed.is_err());
    place.put_back(&replica);

    let second = faults.late().remove(0);
    assert_eq!(place.open().apply(&second).unwrap(), Answer::Gap);

    assert!(place.held().is_empty());
    assert_eq!(marker_of(place), Some(complete(1, 1)));
}

/// 9: an idle store that nobody looks at would stay what the failover made it.
fn an_idle_store_is_looked_at_after_a_failover(place: &dyn Place) {
    let history = History::of(&[("k", &[(1, Some(1)), (2, Some(2))])]);
    fill(place, &history, 1, 1);
    let replica = place.image();
    let job = Job::default();
    drop(job.writer(place, CODE));
    let (mut writer, _) = claimed(&job, place);
    catch_up(&mut writer, &history, 1, 2).unwrap();
    place.put_back(&replica);

    assert_eq!(writer.probe().unwrap(), Probed::Gap);
    catch_up(&mut writer, &history, 1, 2).unwrap();

    assert_true_of(place, &history, 2);
    assert_eq!(marker_of(place).unwrap().generation, 2, "claimed again");
}

/// 19: with the generation alone in the check, a late part of the first target would land over the
/// second's.
fn a_late_part_of_an_old_rewrite_never_lands_on_a_new_one(place: &dyn Place) {
    let history = History::of_many(COMMANDS_MAX + 1);
    let (mut writer, faults) = claimed(&Job::default(), place);
    // The second part is lost, the store is flushed meanwhile.
    let values = history.all(1).into_iter().enumerate().map(|(at, value)| {
        if at == COMMANDS_MAX {
            faults.come(&[Fault::Late]);
            place.put_back(&Image::new());
        }
        value
    });
    assert_eq!(writer.rewrite(Epoch(1), values).unwrap(), Written::Gap);
    let late = faults.late();
    assert_eq!(late.len(), 1);
    let at_every_call = |at: usize| {
        let answer = place.open().apply(&late[0]).unwrap();
        assert_eq!(answer, Answer::Gap, "at value {at}");
    };

    writer.need().unwrap();
    let values = history.all(2).into_iter().enumerate();
    let values = values.map(|(at, value)| {
        if at % 500 == 0 {
            at_every_call(at);
        }
        value
    });
    assert_eq!(writer.rewrite(Epoch(2), values).unwrap(), Written::Done);
    at_every_call(usize::MAX);

    assert_true_of(place, &history, 2);
}

/// 19: marked complete before its deletes, stale keys would stay.
fn a_rewrite_is_complete_only_after_its_deletes(place: &dyn Place) {
    let stale = History::of_many(COMMANDS_MAX / 2);
    fill(place, &stale, 1, 1);
    let history = History::of(&[("kept", &[(2, Some(2))])]);
    let job = Job::default();
    let (mut first, faults) = claimed(&job, place);
    // The beginning and the values; then the deletes do not come.
    faults.come(&[Fault::None, Fault::None, Fault::CrashBefore]);
    assert!(first.rewrite(Epoch(2), history.all(2)).is_err());
    let marker = marker_of(place).unwrap();
    assert_eq!(marker.as_of, Some(Epoch(1)));
    assert_eq!(
        marker.progress.map(|progress| progress.state),
        Some(ProgressKind::Rewriting)
    );

    let (mut second, _) = job.writer(place, CODE);
    let steps = catch_up(&mut second, &history, 1, 2).unwrap();

    assert_eq!(steps, [Step::Rewrite { target: Epoch(2) }]);
    assert_true_of(place, &history, 2);
}

/// 20: a delete takes effect, the process sees a store without the key, a failover brings the key
/// back, and the last call must not complete it.
fn a_failover_to_before_a_delete_brings_the_key_back_and_it_goes_again(place: &dyn Place) {
    fill(place, &History::of(&[("z", &[(1, Some(1))])]), 1, 1);
    let history = History::of(&[("k", &[(2, Some(2))])]);
    let (mut writer, faults) = claimed(&Job::default(), place);
    // The beginning, the values, the delete; the last call is held back.
    faults.come(&[
        Fault::None,
        Fault::None,
        Fault::None,
        Fault::Late,
        Fault::CrashBefore,
    ]);
    assert!(writer.rewrite(Epoch(2), history.all(2)).is_err());
    let last = faults.late().remove(0);
    assert_eq!(last.next, complete(1, 2));
    let sent = faults.sent();
    let delete = &sent[sent.len() - 3];
    assert_eq!(delete.commands.len(), 1);

    // To the moment before the delete: z is there, and so is the marker of that moment.
    let mut replica = History::of(&[("k", &[(2, Some(2))])]);
    replica.set("z", 1, Some(1));
    place.put_back(&Image::new());
    let call = Call {
        expect: None,
        next: Marker::parse(delete.expect.as_deref().unwrap()).unwrap(),
        commands: replica.all(2).into_iter().map(put).collect(),
    };
    assert_eq!(place.open().apply(&call).unwrap(), Answer::Applied);

    assert_eq!(place.open().apply(&last).unwrap(), Answer::Gap);
    catch_up(&mut writer, &history, 1, 2).unwrap();
    assert_true_of(place, &history, 2);
}

/// After a failover an old copy begins a write that the new one has done, cut in other places, and
/// the new copy claims it: its own last call, late, must not find a marker that looks like its own.
fn a_late_last_call_does_not_complete_what_another_generation_cut_differently(place: &dyn Place) {
    let history = History::of_many(COMMANDS_MAX + 1);
    fill(place, &history, 1, 1);
    let job = Job::default();
    let (mut old, old_faults) = claimed(&job, place);
    let replica = place.image();
    let (mut new, new_faults) = claimed(&job, place);
    new_faults.come(&[Fault::None, Fault::Late]);
    catch_up(&mut new, &history, 1, 2).unwrap();
    let late = new_faults.late().remove(0);
    assert_eq!(late.next, complete(2, 2));

    place.put_back(&replica);
    old_faults.come(&[Fault::CrashAfter]);
    let mut changes = history.between(Epoch(1), Epoch(2));
    changes.reverse();
    assert!(old.write(Epoch(1), Epoch(2), changes).is_err());
    assert_eq!(new.probe().unwrap(), Probed::Gap);
    assert_eq!(new.need().unwrap(), differences(1, Some(2)));

    assert_eq!(place.open().apply(&late).unwrap(), Answer::Gap);
    catch_up(&mut new, &history, 1, 2).unwrap();
    assert_true_of(place, &history, 2);
}
