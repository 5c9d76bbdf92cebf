use super::*;

const A: PartitionId = PartitionId {
    topic: Topic::Likes,
    partition: 0,
};
const B: PartitionId = PartitionId {
    topic: Topic::Equipment,
    partition: 0,
};

fn binding(epoch: u64, cut: &[(PartitionId, i64, u64)]) -> Binding {
    let cut = cut.iter().map(|&(partition, next_offset, records)| {
        let read = Read {
            next_offset,
            records,
            hash: 7 * records,
        };
        (partition, read)
    });
    Binding {
        epoch: Epoch(epoch),
        ruleset: "r".to_owned(),
        cut: cut.collect(),
    }
}

#[test]
fn the_newest_earlier_log_that_is_complete_is_inherited() {
    let logs = [1, 2, 3, 4].map(Generation);
    let read =
        |log: Generation| -> Result<_, ()> { Ok((log.0 != 3).then(|| vec![binding(log.0, &[])])) };
    assert_eq!(
        inherited(Generation(4), &logs, read),
        Ok(vec![binding(2, &[])])
    );
    assert_eq!(inherited(Generation(1), &logs, read), Ok(Vec::new()));
}

#[test]
fn a_log_with_fewer_bindings_than_were_copied_counts_for_nothing() {
    let one = || vec![binding(1, &[])];
    assert_eq!(counted(None, one()), None);
    assert_eq!(counted(Some(2), one()), None);
    assert_eq!(counted(Some(1), one()), Some(one()));
    assert_eq!(counted(Some(0), one()), Some(one()));
}

#[test]
fn the_base_is_what_every_sink_had_and_the_input_tables_hold() {
    let at = |from| Need::Differences {
        from: Epoch(from),
        finish: None,
    };
    let base = |derived, sealed, since, need: Option<Need>| {
        super::base(Epoch(derived), Epoch(sealed), Epoch(since), need.as_ref()).0
    };
    assert_eq!(base(5, 7, 0, Some(at(3))), 3);
    assert_eq!(base(5, 4, 0, Some(at(9))), 4);
    assert_eq!(
        base(5, 7, 4, Some(at(3))),
        5,
        "views below the history are written anew"
    );
    assert_eq!(base(5, 7, 4, None), 5);
}

#[test]
fn new_epochs_lie_above_all_that_tables_bindings_and_views_have_seen() {
    let finishing = Need::Differences {
        from: Epoch(3),
        finish: Some(Epoch(9)),
    };
    assert_eq!(seen(Epoch(4), Epoch(5), Some(&finishing)), Epoch(9));
    let rewrite = Need::Rewrite {
        at_least: Some(Epoch(6)),
        keep_equal: false,
    };
    assert_eq!(seen(Epoch(4), Epoch(5), Some(&rewrite)), Epoch(6));
    assert_eq!(seen(Epoch(4), Epoch(5), None), Epoch(5));
    assert_eq!(mint(Epoch(9), 3), Epoch(10));
    assert_eq!(mint(Epoch(9), 30), Epoch(30));
    assert_eq!(must_pass(Some(&rewrite)), Some(Epoch(6)));
    assert_eq!(must_pass(Some(&finishing)), None);
    assert!(passes(Some(Epoch(6)), Epoch(5)) && !passes(Some(Epoch(6)), Epoch(6)));
}

#[test]
fn a_binding_is_read_again_unless_every_input_table_has_all_of_it() {
    let bindings = [
        binding(1, &[(A, 2, 2), (B, 0, 0)]),
        binding(2, &[(A, 2, 0), (B, 3, 3)]),
        binding(3, &[(A, 4, 2), (B, 3, 0)]),
    ];
    let of = |a, b, topics: &[Topic]| {
        sealed_bindings(&bindings, &BTreeMap::from([(A, a), (B, b)]), topics)
    };
    let both = [Topic::Likes, Topic::Equipment];
    assert_eq!(of(0, 0, &both), 0);
    assert_eq!(of(4, 0, &both), 1);
    assert_eq!(of(2, 3, &both), 2);
    assert_eq!(of(4, 3, &both), 3);
    assert_eq!(of(4, 0, &[Topic::Likes]), 3);
    assert_eq!(in_tables(Some(Epoch(2)), Epoch(3)), Epoch(1));
    assert_eq!(in_tables(None, Epoch(3)), Epoch(3));
}

#[test]
fn other_records_than_were_bound_are_an_alarm_unless_the_table_has_them() {
    let bound = Read {
        next_offset: 4,
        records: 2,
        hash: 9,
    };
    assert_eq!(read_again(bound, 2, 2, 9), ReadAgain::Same);
    assert_eq!(read_again(bound, 2, 1, 9), ReadAgain::Changed);
    assert_eq!(read_again(bound, 2, 2, 8), ReadAgain::Changed);
    assert_eq!(read_again(bound, 4, 0, 0), ReadAgain::Same);
}

#[test]
fn a_partition_is_read_on_from_what_is_sealed_or_the_range_that_is_missing_is_named() {
    let bound = [binding(1, &[(A, 4, 4)])];
    let start = |sealed, kept_from, end| partition_start(A, sealed, &bound, kept_from, Some(end));
    assert_eq!(start(Some(2), 0, 9), PartitionStart::From(2));
    assert_eq!(
        start(Some(2), 3, 9),
        PartitionStart::Gone { from: 2, to: 2 }
    );
    assert_eq!(start(Some(2), 0, 3), PartitionStart::Recreated { read: 4 });
    assert_eq!(start(None, 0, 9), PartitionStart::From(0));
    assert_eq!(start(None, 4, 9), PartitionStart::Gone { from: 4, to: 3 });
    assert_eq!(
        partition_start(A, None, &[], 4, None),
        PartitionStart::From(4)
    );
    assert_eq!(read_to(A, Some(7), &bound), 7);
    assert_eq!(read_to(B, None, &bound), 0);
}

#[test]
fn a_table_takes_and_seals_what_it_lacks_in_the_order_of_the_group() {
    assert!(takes(None, Epoch(0)) && takes(Some(Epoch(3)), Epoch(4)));
    assert!(!takes(Some(Epoch(3)), Epoch(3)));
    let at = |committed: [u64; 3]| committed.map(|epoch| Some(Epoch(epoch)));
    assert_eq!(next_to_seal([None; 3], Epoch(5)), Some(0));
    assert_eq!(next_to_seal(at([5, 3, 3]), Epoch(5)), Some(1));
    assert_eq!(next_to_seal(at([5, 6, 5]), Epoch(5)), None);
}

#[test]
fn history_is_given_up_where_it_is_long_past_and_every_required_sink_has_it() {
    assert_eq!(history_since(Some(Epoch(50)), 100, 20), Epoch(50));
    assert_eq!(history_since(Some(Epoch(50)), 60, 20), Epoch(40));
    assert_eq!(history_since(None, 60, 20), Epoch(0));
}

#[test]
fn a_log_is_begun_anew_when_half_of_it_is_past_and_keeps_its_newest_binding() {
    let trimmed = |past| super::trimmed([1, 2, 3, 4].map(Epoch).into_iter(), Epoch(past));
    assert_eq!(trimmed(0), None);
    assert_eq!(trimmed(1), None);
    assert_eq!(trimmed(2), Some(2));
    assert_eq!(trimmed(9), Some(3));
    assert_eq!(super::trimmed(std::iter::once(Epoch(1)), Epoch(9)), None);
    assert_eq!(super::trimmed(std::iter::empty(), Epoch(9)), None);
}

#[test]
fn a_generation_that_was_followed_ends_without_output() {
    assert_eq!(release(false), Release::Output);
    assert_eq!(release(true), Release::End);
}
