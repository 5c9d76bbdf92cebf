//! Random interleavings of generations, lost answers, late calls, crashes, failovers and flushes: in
//! the end the store is true of the newest epoch, and nothing went back on the way.

use std::collections::BTreeMap;

use model::Epoch;
use model::view::ViewKey;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use views::{COMMANDS_MAX, Call, Step, ViewChange, ViewReader};

use crate::support::{
    CODE, Fault, Faults, History, Image, InSqlite, Job, Place, Writer, assert_true_of, catch_up,
};

const STEPS: u64 = 60;
const EPOCHS: u64 = 12;

/// Some keys that flip, and enough others at some epochs that a write takes two calls.
fn story(random: &mut ChaCha8Rng) -> History {
    let mut history = History::default();
    for epoch in 1..=EPOCHS {
        for id in ["a", "b", "c", "d"] {
            if random.random_bool(0.4) {
                let value = random.random_bool(0.7).then(|| random.random_range(0..3));
                history.set(id, epoch, value);
            }
        }
        if epoch % 4 == 2 {
            for number in 0..COMMANDS_MAX {
                let value = (epoch % 8 == 2).then_some(1);
                history.set(&format!("k{number}"), epoch, value);
            }
        }
    }
    history
}

struct World<'a> {
    place: &'a dyn Place,
    history: History,
    job: Job,
    /// Every generation that ever started; the last one is the newest, the others are zombies.
    writers: Vec<(Writer, Faults)>,
    late: Vec<Call>,
    images: Vec<Image>,
    newest: u64,
    /// What a reader saw of each key last: the epoch at which it could be true at the earliest.
    floor: u64,
}

impl World<'_> {
    fn start(&mut self) {
        self.writers.push(self.job.writer(self.place, CODE));
    }

    fn act(&mut self, random: &mut ChaCha8Rng) {
        match random.random_range(0..100) {
            0..34 => self.newest_writes(random),
            34..40 => self.newest_repairs(random),
            40..55 => self.zombie_writes(random),
            55..65 => self.newest = (self.newest + 1).min(EPOCHS),
            65..72 => self.start(),
            72..84 => self.late_call_lands(random),
            84..92 => self.images.push(self.place.image()),
            92..96 => self.fails_over(random),
            96..98 => {
                self.place.put_back(&Image::new());
                self.floor = 0;
            }
            _ => drop(self.writers.last_mut().unwrap().0.probe()),
        }
    }

    fn newest_writes(&mut self, random: &mut ChaCha8Rng) {
        let (writer, faults) = self.writers.last_mut().unwrap();
        bring_faults(faults, random);
        // A crash ends in an error; the writer then starts over, as a process of this generation
        // that claims again.
        drop(catch_up(writer, &self.history, 1, self.newest));
        self.late.extend(faults.late());
    }

    /// Some values are damaged, found, and put right; or the repair does not come to its end.
    fn newest_repairs(&mut self, random: &mut ChaCha8Rng) {
        let (writer, faults) = self.writers.last_mut().unwrap();
        if catch_up(writer, &self.history, 1, self.newest).is_err() {
            return;
        }
        bring_faults(faults, random);
        let as_of = Epoch(self.newest);
        let right = self.history.all(as_of.0).into_iter();
        let right = right.map(|value| ViewChange {
            changed_at: as_of,
            ..value
        });
        drop(writer.repair(as_of, right.collect(), Vec::new()));
        self.late.extend(faults.late());
    }

    /// An old process goes on where it was stopped: at most at an epoch it knows.
    fn zombie_writes(&mut self, random: &mut ChaCha8Rng) {
        let at = random.random_range(0..self.writers.len());
        let (writer, faults) = &mut self.writers[at];
        bring_faults(faults, random);
        let Some(from) = writer.as_of() else { return };
        let to = Epoch(self.newest);
        if from < to {
            drop(writer.write(from, to, self.history.between(from, to)));
        }
        self.late.extend(faults.late());
    }

    fn late_call_lands(&mut self, random: &mut ChaCha8Rng) {
        if self.late.is_empty() {
            return;
        }
        let at = random.random_range(0..self.late.len());
        self.place.open().apply(&self.late[at]).unwrap();
    }

    fn fails_over(&mut self, random: &mut ChaCha8Rng) {
        if self.images.is_empty() {
            return;
        }
        let at = random.random_range(0..self.images.len());
        self.place.put_back(&self.images[at]);
        // What the replica did not have is lost for readers, too.
        self.floor = 0;
    }

    /// Every value is one that its key had between the marker's epoch and what is written now, and
    /// the marker does not go back.
    fn look(&mut self, seed: u64, step: u64) {
        let mut reader = self.place.reader();
        let Some(marker) = reader.marker().unwrap() else {
            return;
        };
        let Some(as_of) = marker.as_of else { return };
        let upper = views::decide::shown(&marker).unwrap();
        assert!(as_of.0 >= self.floor, "seed {seed}, step {step}: back");
        self.floor = as_of.0;
        let states: Vec<BTreeMap<ViewKey, i64>> = (as_of.0..=upper.0)
            .map(|epoch| self.history.state(epoch))
            .collect();
        for id in ["a", "b", "c", "d", "k0", "k999"] {
            let key = ViewKey::likes(id);
            let held = reader.likes(id).unwrap().value.map(|value| value.payload);
            assert!(
                states.iter().any(|state| state.get(&key).copied() == held),
                "seed {seed}, step {step}: {id} is {held:?} in {marker:?}"
            );
        }
    }
}

fn bring_faults(faults: &Faults, random: &mut ChaCha8Rng) {
    for _ in 0..random.random_range(0..4) {
        faults.come(&[match random.random_range(0..8) {
            0 => Fault::AnswerLost,
            1 => Fault::Late,
            2 => Fault::CrashBefore,
            3 => Fault::CrashAfter,
            _ => Fault::None,
        }]);
    }
}

fn run(place: &dyn Place, seed: u64) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut world = World {
        place,
        history: story(&mut random),
        job: Job::default(),
        writers: Vec::new(),
        late: Vec::new(),
        images: Vec::new(),
        newest: 1,
        floor: 0,
    };
    world.start();
    for step in 0..STEPS {
        world.act(&mut random);
        world.look(seed, step);
    }
    // Inputs stop, nothing goes wrong any more.
    world.start();
    let (writer, _) = world.writers.last_mut().unwrap();
    let steps = catch_up(writer, &world.history, 1, EPOCHS).unwrap();
    assert!(!matches!(steps.last(), Some(Step::Wait { .. })));
    for call in &world.late {
        place.open().apply(call).unwrap();
    }
    assert_true_of(place, &world.history, EPOCHS);
}

#[test]
fn the_store_is_right_in_the_end_whatever_happened() {
    for seed in 0..40 {
        run(&InSqlite::new(), seed);
    }
}

#[test]
fn redis_is_right_in_the_end_whatever_happened() {
    for seed in 100..103 {
        run(&crate::support::InRedis::new(), seed);
    }
}
