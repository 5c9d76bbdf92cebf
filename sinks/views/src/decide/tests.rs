use model::view::ViewKey;

use super::*;

fn origin(code: &str) -> Origin {
    Origin {
        code: code.into(),
        ruleset: "rules".into(),
    }
}

fn complete(generation: u64, epoch: u64) -> Marker {
    Marker::complete(generation, Epoch(epoch), origin("code"))
}

fn puts(count: usize) -> Vec<Command> {
    (0..count)
        .map(|n| Command::Put {
            key: ViewKey::likes(n.to_string()),
            value: b"1 1".to_vec(),
        })
        .collect()
}

fn writing(target: u64) -> Marker {
    let calls = write_calls(
        &complete(1, 3),
        Epoch(target),
        &origin("code"),
        1,
        puts(1_001),
    );
    calls[0].next.clone()
}

fn rewriting(marker: &Marker, target: u64) -> Marker {
    begin_rewrite(marker, Epoch(target), &origin("code"), 1).next
}

#[test]
fn a_call_takes_effect_only_where_its_marker_stands() {
    let call = Call::new(&complete(2, 3), complete(2, 5), Vec::new());
    let answer_to = |marker: &Marker| answer(Some(&marker.to_text()), &call);

    assert_eq!(answer_to(&complete(2, 3)), Answer::Applied);
    assert_eq!(answer_to(&complete(2, 5)), Answer::DoneAlready);
    assert_eq!(answer_to(&complete(2, 4)), Answer::Gap);
    assert_eq!(answer_to(&complete(1, 3)), Answer::Gap);
    assert_eq!(answer_to(&complete(3, 3)), Answer::Fenced { by: 3 });
    assert_eq!(answer_to(&complete(3, 5)), Answer::Fenced { by: 3 });
    assert_eq!(answer(None, &call), Answer::Gap);
    assert_eq!(
        answer(Some("{\"generation\":9,broken"), &call),
        Answer::Fenced { by: 9 }
    );
    assert_eq!(answer(Some("broken"), &call), Answer::Gap);
}

#[test]
fn a_claim_keeps_all_but_the_generation() {
    let found = writing(5).to_text();
    let next = match claim(Some(&found), 4) {
        ClaimStep::Exchange { next } => next,
        step => panic!("{step:?}"),
    };
    assert_eq!(
        next,
        Marker {
            generation: 4,
            ..writing(5)
        }
    );
    assert_eq!(
        claim(Some(&complete(5, 9).to_text()), 4),
        ClaimStep::Fenced { by: 5 }
    );
}

#[test]
fn a_marker_of_another_form_is_claimed_as_if_nothing_were_held() {
    let empty = ClaimStep::Exchange {
        next: Marker::empty(4),
    };
    assert_eq!(claim(None, 4), empty);
    assert_eq!(claim(Some("what"), 4), empty);
    let with_space = complete(3, 9).to_text().replace(',', ", ");
    assert_eq!(claim(Some(&with_space), 4), empty);
    let newer = "{\"generation\":5,\"of\":\"another form\"}";
    assert_eq!(claim(Some(newer), 4), ClaimStep::Fenced { by: 5 });
}

#[test]
fn what_a_store_needs_follows_from_its_marker() {
    let own = origin("code");
    let new_code = origin("new code");
    let differences = |from, finish: Option<u64>| Need::Differences {
        from: Epoch(from),
        finish: finish.map(Epoch),
    };
    let rewrite = |at_least: Option<u64>, keep_equal| Need::Rewrite {
        at_least: at_least.map(Epoch),
        keep_equal,
    };

    assert_eq!(need(&Marker::empty(1), &own, None), rewrite(None, false));
    assert_eq!(need(&complete(1, 3), &own, None), differences(3, None));
    assert_eq!(need(&writing(5), &own, None), differences(3, Some(5)));
    assert_eq!(
        need(&rewriting(&Marker::empty(1), 7), &own, None),
        rewrite(Some(7), false)
    );
    assert_eq!(
        need(&rewriting(&complete(1, 3), 7), &own, None),
        rewrite(Some(7), false)
    );
    assert_eq!(
        need(&complete(1, 3), &new_code, None),
        rewrite(Some(4), true)
    );
    assert_eq!(need(&writing(5), &new_code, None), rewrite(Some(6), true));
    // A flushed store says nothing of what was seen.
    let seen = Some(Epoch(9));
    assert_eq!(need(&Marker::empty(1), &own, seen), rewrite(Some(9), false));
    // A write cut off that had begun to bring in another code's values.
    let mut mixed = writing(5);
    mixed.origin = Some(new_code.clone());
    assert_eq!(need(&mixed, &new_code, None), rewrite(Some(6), true));
}

#[test]
fn a_need_is_met_by_history_or_by_a_rewrite_or_waited_for() {
    let step_of = |need: Need, since, newest| step(&need, Epoch(since), Epoch(newest));
    let from = |from, finish: Option<u64>| Need::Differences {
        from: Epoch(from),
        finish: finish.map(Epoch),
    };

    assert_eq!(step_of(from(3, None), 3, 3), Step::Nothing);
    assert_eq!(
        step_of(from(3, None), 3, 8),
        Step::Write {
            from: Epoch(3),
            to: Epoch(8)
        }
    );
    assert_eq!(
        step_of(from(3, Some(5)), 1, 8),
        Step::Write {
            from: Epoch(3),
            to: Epoch(5)
        }
    );
    assert_eq!(
        step_of(from(3, None), 4, 8),
        Step::Rewrite { target: Epoch(8) }
    );
    assert_eq!(
        step_of(from(3, Some(5)), 4, 8),
        Step::Rewrite { target: Epoch(8) }
    );
    assert_eq!(
        step_of(from(3, Some(9)), 1, 8),
        Step::Wait { until: Epoch(9) }
    );
    assert_eq!(step_of(from(9, None), 1, 8), Step::Wait { until: Epoch(9) });
    let rewrite = Need::Rewrite {
        at_least: Some(Epoch(9)),
        keep_equal: false,
    };
    assert_eq!(
        step_of(rewrite.clone(), 1, 8),
        Step::Wait { until: Epoch(9) }
    );
    assert_eq!(step_of(rewrite, 1, 9), Step::Rewrite { target: Epoch(9) });
}

#[test]
fn a_write_of_several_calls_names_its_target_until_the_last() {
    let start = complete(1, 3);
    let calls = write_calls(&start, Epoch(5), &origin("code"), 7, puts(2_001));

    let sizes: Vec<_> = calls.iter().map(|call| call.commands.len()).collect();
    assert_eq!(sizes, [1_000, 1_000, 1]);
    assert_eq!(calls[0].expect.as_deref(), Some(start.to_text().as_str()));
    for (call, following) in calls.iter().zip(&calls[1..]) {
        assert_eq!(
            following.expect.as_deref(),
            Some(call.next.to_text().as_str())
        );
        let progress = call.next.progress.as_ref().unwrap();
        assert_eq!((progress.target, progress.attempt), (Epoch(5), 7));
        assert_eq!(call.next.as_of, Some(Epoch(3)));
    }
    assert_eq!(calls[2].next, complete(1, 5));
}

#[test]
fn a_write_of_nothing_still_moves_the_marker() {
    let calls = write_calls(&complete(1, 3), Epoch(5), &origin("code"), 1, Vec::new());
    assert_eq!(
        calls,
        [Call::new(&complete(1, 3), complete(1, 5), Vec::new())]
    );
}

#[test]
fn a_late_part_of_an_old_rewrite_finds_another_marker() {
    let start = Marker::empty(1);
    let old = begin_rewrite(&start, Epoch(5), &origin("code"), 1).next;
    let late = rewrite_part(&old, puts(1));
    let new = begin_rewrite(&start, Epoch(5), &origin("code"), 2).next;

    assert_eq!(answer(Some(&new.to_text()), &late), Answer::Gap);
    assert_eq!(
        answer(Some(&late.next.to_text()), &late),
        Answer::DoneAlready
    );
}

#[test]
fn a_rewrite_ends_complete_at_its_target() {
    let part = rewrite_part(&rewriting(&complete(1, 3), 7), puts(1)).next;
    let end = end_rewrite(&part);
    assert_eq!(end.next, complete(1, 7));
    assert_eq!(
        part.as_of,
        Some(Epoch(3)),
        "until then every value is of 3 or newer"
    );
}

#[test]
fn an_attempt_is_new_in_the_generation_and_in_all_before_it() {
    let first = next_attempt(&Marker::empty(1), 0);
    let second = next_attempt(&Marker::empty(1), first);
    assert!(first < second);

    let mut begun = begin_rewrite(&complete(1, 3), Epoch(7), &origin("code"), second).next;
    assert!(next_attempt(&begun, 0) > second, "the marker knows it, too");
    begun.generation = 2;
    let claimed = next_attempt(&begun, 0);
    assert!(claimed > second);
    // After a failover to before all writes of several calls.
    assert_eq!(next_attempt(&complete(2, 3), claimed), claimed + 1);
}

#[test]
fn a_probe_believes_only_the_marker_it_left() {
    let left = complete(2, 5);
    assert_eq!(probe(&left, Some(&left.to_text())), After::GoOn);
    assert_eq!(probe(&left, None), After::ClaimAgain);
    assert_eq!(
        probe(&left, Some(&complete(2, 4).to_text())),
        After::ClaimAgain
    );
    assert_eq!(
        probe(&left, Some(&complete(3, 5).to_text())),
        After::End { newest: 3 }
    );
}

#[test]
fn pieces_hold_at_most_a_thousand_commands_and_a_mebibyte() {
    let large = |n: usize| Command::Put {
        key: ViewKey::likes(n.to_string()),
        value: vec![b'x'; 400_000],
    };
    let sizes: Vec<_> = in_pieces((0..5).map(large))
        .map(|piece| piece.len())
        .collect();
    assert_eq!(sizes, [2, 2, 1]);
    let sizes: Vec<_> = in_pieces(puts(1_500).into_iter())
        .map(|piece| piece.len())
        .collect();
    assert_eq!(sizes, [1_000, 500]);
    assert_eq!(in_pieces(std::iter::empty()).count(), 0);
}

#[test]
fn a_store_that_lost_its_marker_does_not_tell_which_code_has_shown_an_epoch() {
    let own = origin("code");
    let of = |marker: &Marker, shown: Option<u64>, before: Option<u64>| {
        let seen = seen(marker, &own, shown.map(Epoch), before.map(Epoch));
        seen.map(|epoch| epoch.0)
    };
    let flushed = Marker::empty(2);
    assert_eq!(of(&flushed, None, None), None, "nothing was shown");
    assert_eq!(of(&flushed, None, Some(9)), Some(10));
    assert_eq!(of(&flushed, Some(12), Some(9)), Some(12), "by this writer");
    assert_eq!(of(&complete(1, 5), Some(5), Some(9)), Some(9));
    let other = Marker::complete(1, Epoch(5), origin("other code"));
    assert_eq!(of(&other, Some(5), Some(9)), Some(10));
    assert!(is_own(&complete(1, 5), &own) && !is_own(&other, &own) && !is_own(&flushed, &own));
}
