//! The fence: four answers, and who may write.

use model::Epoch;
use model::view::{Marker, ViewKey};
use views::{Answer, Call, Claim, Command, ViewError};

use crate::support::{
    CODE, History, Job, Place, complete, differences, fill, marker_of, origin, put,
};

in_both_stores!(
    a_call_is_answered_in_one_of_four_ways,
    a_call_that_is_refused_changes_nothing,
    each_command_does_what_it_says,
    a_claim_returns_what_the_store_holds,
    an_older_generation_is_refused_everywhere_after_a_claim,
    an_older_generation_that_comes_back_cannot_claim,
    a_marker_of_another_form_is_not_believed,
);

fn likes(id: &str, changed_at: u64, count: i64) -> Command {
    put(views::ViewChange::likes(id, Epoch(changed_at), Some(count)))
}

fn count_of(place: &dyn Place, id: &str) -> Option<(u64, i64)> {
    let value = place.reader().likes(id).unwrap().value;
    value.map(|value| (value.changed_at.0, value.payload))
}

fn a_call_is_answered_in_one_of_four_ways(place: &dyn Place) {
    let mut store = place.open();
    let first = Call {
        expect: None,
        next: complete(2, 5),
        commands: vec![likes("a", 5, 1)],
    };
    let second = Call::new(&complete(2, 5), complete(2, 7), vec![likes("a", 7, 2)]);

    assert_eq!(store.apply(&second).unwrap(), Answer::Gap);
    assert_eq!(store.apply(&first).unwrap(), Answer::Applied);
    assert_eq!(store.apply(&first).unwrap(), Answer::DoneAlready);
    assert_eq!(store.apply(&second).unwrap(), Answer::Applied);
    assert_eq!(store.apply(&second).unwrap(), Answer::DoneAlready);
    assert_eq!(store.apply(&first).unwrap(), Answer::Gap);
    assert_eq!(store.claim(3).unwrap(), Claim::Claimed(complete(3, 7)));
    for call in [&first, &second] {
        assert_eq!(store.apply(call).unwrap(), Answer::Fenced { by: 3 });
    }
    assert_eq!(count_of(place, "a"), Some((7, 2)));
}

fn a_call_that_is_refused_changes_nothing(place: &dyn Place) {
    let history = History::of(&[("a", &[(1, Some(1))]), ("b", &[(1, Some(1))])]);
    fill(place, &history, 2, 5);
    let before = place.image();
    let mut store = place.open();
    let commands = || {
        vec![
            likes("a", 9, 9),
            Command::Delete {
                key: ViewKey::likes("b"),
            },
            likes("c", 9, 9),
        ]
    };

    let gap = Call::new(&complete(2, 4), complete(2, 9), commands());
    assert_eq!(store.apply(&gap).unwrap(), Answer::Gap);
    let done = Call::new(&complete(2, 4), complete(2, 5), commands());
    assert_eq!(store.apply(&done).unwrap(), Answer::DoneAlready);
    let fenced = Call::new(&complete(1, 5), complete(1, 9), commands());
    assert_eq!(store.apply(&fenced).unwrap(), Answer::Fenced { by: 2 });

    assert_eq!(place.image(), before);
}

fn each_command_does_what_it_says(place: &dyn Place) {
    let history = History::of(&[("equal", &[(1, Some(1))]), ("other", &[(1, Some(1))])]);
    fill(place, &history, 1, 1);
    let if_other = |id: &str, payload: &str| Command::PutIfOther {
        key: ViewKey::likes(id),
        value: format!("2 {payload}").into_bytes(),
    };
    let delete = |id: &str| Command::Delete {
        key: ViewKey::likes(id),
    };
    let commands = vec![
        if_other("equal", "1"),
        if_other("other", "7"),
        if_other("new", "1"),
        likes("put", 2, 1),
        delete("never there"),
    ];
    let mut store = place.open();
    let call = Call::new(&complete(1, 1), complete(1, 2), commands);
    assert_eq!(store.apply(&call).unwrap(), Answer::Applied);

    assert_eq!(count_of(place, "equal"), Some((1, 1)), "it keeps its epoch");
    assert_eq!(count_of(place, "other"), Some((2, 7)));
    assert_eq!(count_of(place, "new"), Some((2, 1)));
    assert_eq!(count_of(place, "put"), Some((2, 1)));

    let call = Call::new(&complete(1, 2), complete(1, 3), vec![delete("put")]);
    assert_eq!(store.apply(&call).unwrap(), Answer::Applied);
    assert_eq!(count_of(place, "put"), None);
}

fn a_claim_returns_what_the_store_holds(place: &dyn Place) {
    let mut store = place.open();
    assert_eq!(store.claim(1).unwrap(), Claim::Claimed(Marker::empty(1)));
    assert_eq!(store.claim(1).unwrap(), Claim::Claimed(Marker::empty(1)));
    let begin = views::decide::begin_rewrite(&Marker::empty(1), Epoch(5), &origin(CODE), 1);
    assert_eq!(store.apply(&begin).unwrap(), Answer::Applied);

    let claimed = Marker {
        generation: 4,
        ..begin.next
    };
    assert_eq!(store.claim(4).unwrap(), Claim::Claimed(claimed.clone()));
    assert_eq!(marker_of(place), Some(claimed));
    assert_eq!(store.claim(3).unwrap(), Claim::Fenced { by: 4 });
}

fn an_older_generation_is_refused_everywhere_after_a_claim(place: &dyn Place) {
    let history = History::of(&[("a", &[(1, Some(1)), (2, Some(2))])]);
    fill(place, &history, 1, 1);
    let job = Job::default();
    let (mut old, _) = job.writer(place, CODE);
    assert_eq!(old.need().unwrap(), differences(1, None));
    let (mut new, _) = job.writer(place, CODE);
    assert_eq!(new.need().unwrap(), differences(1, None));
    let before = place.image();

    let fenced = |error| {
        matches!(
            error,
            ViewError::Fenced {
                own: 1,
                newest: 2,
                ..
            }
        )
    };
    let written = old.write(Epoch(1), Epoch(2), history.between(Epoch(1), Epoch(2)));
    assert!(fenced(written.unwrap_err()));
    // From here on it knows, and asks nobody any more.
    assert!(fenced(old.probe().unwrap_err()));
    assert!(fenced(old.need().unwrap_err()));
    assert!(fenced(old.rewrite(Epoch(2), history.all(2)).unwrap_err()));

    assert_eq!(place.image(), before);
    assert_eq!(old.standing(), None);
    new.write(Epoch(1), Epoch(2), history.between(Epoch(1), Epoch(2)))
        .unwrap();
    assert_eq!(count_of(place, "a"), Some((2, 2)));
}

fn an_older_generation_that_comes_back_cannot_claim(place: &dyn Place) {
    let job = Job::default();
    let (mut old, _) = job.writer(place, CODE);
    // The newer one took its generation, and has not reached the store yet.
    let (_new, _) = job.writer(place, CODE);

    let refused = old.need().unwrap_err();

    assert!(matches!(
        refused,
        ViewError::Fenced {
            own: 1,
            newest: 2,
            ..
        }
    ));
    assert!(!refused.is_transient());
    assert_eq!(marker_of(place), None, "it touched nothing");
}

fn a_marker_of_another_form_is_not_believed(place: &dyn Place) {
    fill(place, &History::of(&[("a", &[(1, Some(1))])]), 1, 1);
    place.set_marker("{\"generation\":1,later code wrote this");
    let reading = place.reader().likes("a");
    assert!(matches!(reading, Err(ViewError::Marker { .. })));

    let claimed = place.open().claim(2).unwrap();

    assert_eq!(claimed, Claim::Claimed(Marker::empty(2)));
}
