//! Calls without an answer: repeated identically, until the store says what became of them.

use std::sync::atomic::Ordering;

use model::Epoch;
use views::{Answer, Step, ViewError, ViewStore, ViewWriter, Written};

use crate::support::{
    CODE, Fault, History, InRedis, Job, PATIENCE, Place, Proxy, assert_true_of, catch_up, complete,
    fill, origin,
};

in_both_stores!(
    a_call_without_an_answer_is_repeated_identically,
    a_call_that_arrives_late_changes_nothing,
    a_host_that_gives_up_leaves_the_call_to_the_next_writer,
);

fn flip() -> History {
    History::of(&[
        ("k", &[(1, Some(1)), (2, Some(2)), (3, Some(1))]),
        ("other", &[(1, Some(1)), (3, Some(3))]),
    ])
}

fn a_call_without_an_answer_is_repeated_identically(place: &dyn Place) {
    let history = flip();
    fill(place, &history, 1, 1);
    let job = Job::default();
    let (mut writer, faults) = job.writer(place, CODE);
    writer.need().unwrap();
    faults.come(&[Fault::Late, Fault::AnswerLost, Fault::AnswerLost]);

    let changes = history.between(Epoch(1), Epoch(2));
    let written = writer.write(Epoch(1), Epoch(2), changes).unwrap();

    assert_eq!(written, Written::Done);
    let sent = faults.sent();
    assert_eq!(sent.len(), 5, "the claim and four times the same");
    assert!(sent[2..].iter().all(|call| *call == sent[1]));
    assert_eq!(job.waits.load(Ordering::SeqCst), 3);
    assert_true_of(place, &history, 2);
}

/// PROTOCOL 8: k 1→2 without an answer; at the next epoch k is 1 again, net nothing.
fn a_call_that_arrives_late_changes_nothing(place: &dyn Place) {
    let history = flip();
    fill(place, &history, 1, 1);
    let (mut writer, faults) = Job::default().writer(place, CODE);
    writer.need().unwrap();
    faults.come(&[Fault::Late]);
    catch_up(&mut writer, &history, 1, 2).unwrap();
    catch_up(&mut writer, &history, 1, 3).unwrap();

    let late = faults.late();
    assert_eq!(late.len(), 1);
    assert_eq!(place.open().apply(&late[0]).unwrap(), Answer::Gap);

    assert_true_of(place, &history, 3);
}

fn a_host_that_gives_up_leaves_the_call_to_the_next_writer(place: &dyn Place) {
    let history = flip();
    fill(place, &history, 1, 1);
    let job = Job::default();
    let (mut first, faults) = job.writer(place, CODE);
    first.need().unwrap();
    faults.come(&[Fault::Late; PATIENCE as usize]);
    let gave_up = first
        .write(Epoch(1), Epoch(2), history.between(Epoch(1), Epoch(2)))
        .unwrap_err();
    assert!(matches!(gave_up, ViewError::GaveUp { .. }));
    assert!(!gave_up.is_transient());

    let (mut second, _) = job.writer(place, CODE);
    let late = faults.late();
    // It lands before the claim, which therefore finds it.
    assert_eq!(place.open().apply(&late[0]).unwrap(), Answer::Applied);
    let steps = catch_up(&mut second, &history, 1, 3).unwrap();
    // And once more after it.
    assert_eq!(
        place.open().apply(&late[1]).unwrap(),
        Answer::Fenced { by: 2 }
    );

    let write = Step::Write {
        from: Epoch(2),
        to: Epoch(3),
    };
    assert_eq!(steps, [write]);
    assert_true_of(place, &history, 3);
}

#[test]
fn a_connection_that_is_cut_before_the_answer_is_made_again() {
    let place = InRedis::new();
    let history = flip();
    fill(&place, &history, 1, 1);
    let proxy = Proxy::new();
    let job = Job::default();
    job.newest.store(1, Ordering::SeqCst);
    let store = place.store_at(&proxy.url());
    let mut writer = ViewWriter::new(store, job.clone(), 1, origin(CODE));
    writer.need().unwrap();

    proxy.cut_the_next_answer();
    let written = writer.write(Epoch(1), Epoch(2), history.between(Epoch(1), Epoch(2)));

    assert_eq!(written.unwrap(), Written::Done);
    assert_eq!(proxy.cuts(), 1);
    assert_eq!(job.waits.load(Ordering::SeqCst), 1);
    assert_true_of(&place, &history, 2);
}

#[test]
fn a_server_that_forgot_its_scripts_is_told_again() {
    let place = InRedis::new();
    let mut store = place.store_at(&InRedis::url());
    let mut call = |expect, next| {
        let call = views::Call {
            expect,
            next,
            commands: Vec::new(),
        };
        store.apply(&call).unwrap()
    };
    assert_eq!(call(None, complete(1, 1)), Answer::Applied);
    redis::cmd("SCRIPT")
        .arg("FLUSH")
        .exec(&mut place.raw())
        .unwrap();

    let answer = call(Some(complete(1, 1).to_text()), complete(1, 2));

    assert_eq!(answer, Answer::Applied);
}

#[test]
fn a_server_that_is_away_is_waited_for() {
    let place = InRedis::new();
    // Nobody listens on port 1.
    let mut store = place.store_at("redis://127.0.0.1:1");

    let error = store.claim(1).unwrap_err();

    assert!(error.is_transient());
    assert!(error.to_string().contains("127.0.0.1:1"), "{error}");
}
