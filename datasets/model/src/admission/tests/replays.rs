//! Replays: what a record would have done in its place, or nothing.

use super::*;

/// Nothing is forgotten for want of room or time.
const ALL: AdmissionSettings = AdmissionSettings {
    dedup_horizon_millis: 1_000_000,
    dedup_ids_max: 1_000,
};

/// By key the event that made its state, and the state.
type Content = BTreeMap<Vec<u8>, (Option<EventId>, Option<Vec<u8>>)>;

/// A partition with the rows that it left.
struct World {
    topic: Topic,
    partition: Partition,
    out: Admitted,
    rows: Vec<Row>,
}

impl World {
    fn new(topic: Topic) -> Self {
        Self {
            topic,
            partition: Partition::new(topic, ALL),
            out: Admitted::new(topic),
            rows: Vec::new(),
        }
    }

    /// Admits a value of a key.
    fn value(&mut self, key: &str, value: &str, sent: &Sent, offset: i64) -> Outcome {
        let record = RawRecord {
            key: Some(key.as_bytes()),
            value: Some(value.as_bytes()),
            timestamp_millis: Millis(sent.timestamp),
            offset,
            replays: sent.replays,
        };
        let outcome = self.partition.admit(&record, &mut self.out);
        self.partition.close_batch(&mut self.out);
        self.rows.extend(self.out.rows().map(|row| Row::of(&row)));
        self.out.clear();
        outcome
    }

    fn send(&mut self, sent: &Sent, offset: i64) -> Outcome {
        let key = format!("k{}", sent.key);
        self.value(&key, &sent.value(self.topic), sent, offset)
    }

    /// Starts anew from the rows, which may be compacted down to what must stay.
    fn restart(&mut self, horizon: Option<i64>) {
        if let Some(horizon) = horizon {
            self.rows = compacted(&self.rows, horizon);
        }
        self.partition = restored(self.topic, ALL, &self.rows);
    }

    /// The state of every key: the event that made it, and its value.
    fn content(&self) -> Content {
        let mut newest = BTreeMap::new();
        for row in self.rows.iter().filter(|row| row.kind == RowKind::Row) {
            newest.insert(row.key.clone(), row);
        }
        let standing = newest.into_iter().filter(|(_, row)| row.diff > 0);
        standing
            .map(|(key, row)| (key, (row.event_id, row.value.clone())))
            .collect()
    }
}

fn is_accepted(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Applied | Outcome::Unchanged)
}

/// One world in which a record was broken and is replayed later, and one in which it was right.
fn check(topic: Topic, seed: u64) -> bool {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut now = 1_000;
    let length = rng.random_range(2..40);
    let sent: Vec<Sent> = (0..length)
        .map(|_| Sent {
            replays: None,
            ..Sent::random(&mut rng, &mut now, 0)
        })
        .collect();
    let broken = rng.random_range(0..length as usize);
    let key = sent[broken].key;
    let (mut replayed, mut right) = (World::new(topic), World::new(topic));
    let mut in_place = Outcome::Rejected;
    let mut is_overtaken = false;
    for (at, sent) in sent.iter().enumerate() {
        let offset = at as i64;
        let outcome = right.send(sent, offset);
        if at == broken {
            in_place = outcome;
            let outcome = replayed.value("k", "{", sent, offset);
            assert_eq!(outcome, Outcome::Rejected);
        } else {
            let outcome = replayed.send(sent, offset);
            is_overtaken |= at > broken && sent.key == key && is_accepted(outcome);
        }
        if rng.random_bool(0.2) {
            replayed.restart(rng.random_bool(0.5).then_some(1_000_000));
        }
    }
    // Ids may be gone by then; which record of a key is the newest is known for ever.
    let forgets = rng.random_bool(0.5);
    if forgets {
        replayed.restart(Some(-1));
    }
    let before = replayed.content();
    let replay = Sent {
        replays: Some(broken as i64),
        timestamp: now,
        ..sent[broken].clone()
    };
    let outcome = replayed.send(&replay, length);
    let place = format!("{topic}, seed {seed}, {broken} of {length}");
    if is_overtaken {
        let is_refused = matches!(outcome, Outcome::Superseded | Outcome::Duplicate);
        assert!(is_refused, "{place}: {outcome:?}");
        assert_eq!(replayed.content(), before, "{place}");
    } else if is_accepted(in_place) || !forgets {
        assert_eq!(outcome, in_place, "{place}");
        assert_eq!(replayed.content(), right.content(), "{place}");
    }
    // Another copy of it, also one with a value that was corrected otherwise, changes nothing more.
    let once = replayed.content();
    for (turn, id) in [(1, replay.id), (2, 200)] {
        replayed.restart(rng.random_bool(0.5).then_some(-1));
        let copy = Sent {
            id,
            ..replay.clone()
        };
        let again = replayed.send(&copy, length + turn);
        if is_accepted(outcome) || is_overtaken {
            assert!(!is_accepted(again), "{place}: {again:?}");
            assert_eq!(replayed.content(), once, "{place}");
        }
    }
    is_overtaken
}

#[test]
fn a_replay_does_what_the_record_would_have_done_in_its_place_unless_something_newer_was_accepted()
{
    let mut overtaken = 0;
    for seed in 0..2_000 {
        for topic in [Topic::Likes, Topic::Equipment] {
            overtaken += usize::from(check(topic, seed));
        }
    }
    assert!(
        (500..3_500).contains(&overtaken),
        "{overtaken} were overtaken"
    );
}

/// A bare toggle of one pair.
fn toggle(id: u8, replays: Option<i64>) -> Sent {
    Sent {
        key: 0,
        id,
        version: None,
        timestamp: i64::from(id),
        choice: None,
        hash: 0,
        replays,
    }
}

#[test]
fn replays_of_one_key_count_in_the_order_of_their_originals() {
    // Offsets 0 and 1 were rejected. Replayed in order both count; the other way round the older one is too late.
    let mut forth = World::new(Topic::Likes);
    assert_eq!(forth.send(&toggle(1, Some(0)), 2), Outcome::Applied);
    forth.restart(Some(-1));
    assert_eq!(forth.send(&toggle(2, Some(1)), 3), Outcome::Applied);
    let mut back = World::new(Topic::Likes);
    assert_eq!(back.send(&toggle(2, Some(1)), 2), Outcome::Applied);
    back.restart(Some(-1));
    assert_eq!(back.send(&toggle(1, Some(0)), 3), Outcome::Superseded);
}

#[test]
fn a_pair_that_is_liked_no_longer_still_knows_when_that_was() {
    let mut world = World::new(Topic::Likes);
    for id in 1..=2 {
        world.send(&toggle(id, None), id.into());
    }
    assert!(world.content().is_empty());
    world.restart(Some(-1));
    assert_eq!(world.send(&toggle(3, Some(0)), 3), Outcome::Superseded);
    // A record that is none of the past is not held up by it.
    assert_eq!(world.send(&toggle(4, None), 4), Outcome::Applied);
}

#[test]
fn a_record_that_replays_no_earlier_one_is_rejected() {
    for replays in [-1, 5, 6] {
        let mut world = World::new(Topic::Likes);
        let outcome = world.send(&toggle(1, Some(replays)), 5);
        assert_eq!(outcome, Outcome::Rejected, "{replays}");
        assert!(world.content().is_empty());
    }
}
