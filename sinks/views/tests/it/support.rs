//! What the suite stands on: stores of both kinds, a history to write, and faults on purpose.

mod faulty;
mod history;
mod place;
mod proxy;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use model::Epoch;
use model::view::{Marker, Origin};
use views::{
    Call, Command, Host, HostError, Need, ViewChange, ViewError, ViewReader, ViewStore, ViewWriter,
    Written,
};

pub(crate) use faulty::{Fault, Faults, Faulty};
pub(crate) use history::History;
pub(crate) use place::{Image, InRedis, InSqlite, Place, redis_address};
pub(crate) use proxy::Proxy;

/// Makes two tests of each function, which takes a `&dyn Place`: one in Redis and one in SQLite.
macro_rules! in_both_stores {
    ($($name:ident),+ $(,)?) => {
        mod in_redis {
            $(#[test]
            fn $name() {
                super::$name(&crate::support::InRedis::new());
            })+
        }
        mod in_sqlite {
            $(#[test]
            fn $name() {
                super::$name(&crate::support::InSqlite::new());
            })+
        }
    };
}

/// The job around a writer: it knows the newest generation, and waits a few times without a pause.
#[derive(Clone, Default)]
pub(crate) struct Job {
    pub(crate) newest: Arc<AtomicU64>,
    pub(crate) waits: Arc<AtomicU64>,
    /// Calls to go until the write is abandoned, and one more; 0: never.
    calls_left: Arc<AtomicU64>,
}

/// More waits than any test lets a writer have unless it is to give up.
pub(crate) const PATIENCE: u32 = 20;

impl Host for Job {
    fn newest_generation(&mut self) -> Result<u64, HostError> {
        Ok(self.newest.load(Ordering::SeqCst))
    }

    fn wait(&mut self, _: &ViewError, attempt: u32) -> bool {
        self.waits.fetch_add(1, Ordering::SeqCst);
        attempt < PATIENCE
    }

    fn abandons(&mut self) -> bool {
        let left = self.calls_left.load(Ordering::SeqCst);
        self.calls_left
            .store(left.saturating_sub(u64::from(left > 1)), Ordering::SeqCst);
        left == 1
    }
}

impl Job {
    /// Lets so many calls through and abandons the write before the next.
    pub(crate) fn abandon_after(&self, calls: u64) {
        self.calls_left.store(calls + 1, Ordering::SeqCst);
    }

    /// The job's next process.
    pub(crate) fn goes_on(&self) -> Self {
        Self {
            calls_left: Arc::default(),
            ..self.clone()
        }
    }

    /// A writer of a new generation, whose store has faults that are put in by hand.
    pub(crate) fn writer(&self, place: &dyn Place, code: &str) -> (Writer, Faults) {
        let generation = self.newest.fetch_add(1, Ordering::SeqCst) + 1;
        let (store, faults) = Faulty::new(place.open());
        let writer = ViewWriter::new(store, self.clone(), generation, origin(code));
        (writer, faults)
    }
}

pub(crate) type Writer = ViewWriter<Faulty, Job>;

pub(crate) fn origin(code: &str) -> Origin {
    Origin {
        code: code.into(),
        ruleset: "rules".into(),
    }
}

/// The origin of all writers that name no other.
pub(crate) const CODE: &str = "code";

pub(crate) fn complete(generation: u64, epoch: u64) -> Marker {
    Marker::complete(generation, Epoch(epoch), origin(CODE))
}

/// Fills an empty store with the history's values at `epoch`, in one call of `generation`.
pub(crate) fn fill(place: &dyn Place, history: &History, generation: u64, epoch: u64) {
    let commands = history.all(epoch).into_iter().map(put).collect();
    let call = Call {
        expect: None,
        next: complete(generation, epoch),
        commands,
    };
    assert_eq!(place.open().apply(&call).unwrap(), views::Answer::Applied);
}

pub(crate) fn put(change: ViewChange) -> Command {
    let payload = String::from_utf8(change.payload.unwrap()).unwrap();
    Command::Put {
        key: change.key,
        value: format!("{} {payload}", change.changed_at).into_bytes(),
    }
}

pub(crate) fn marker_of(place: &dyn Place) -> Option<Marker> {
    place.reader().marker().unwrap()
}

/// Asserts that a store is true of `epoch` alone: marker, values, and nothing beside them.
pub(crate) fn assert_true_of(place: &dyn Place, history: &History, epoch: u64) {
    let marker = marker_of(place).unwrap();
    assert_eq!(
        (marker.as_of, marker.progress),
        (Some(Epoch(epoch)), None),
        "the marker"
    );
    let expected = history.state(epoch);
    let mut reader = place.reader();
    let keys: Vec<_> = expected.keys().cloned().collect();
    assert_eq!(place.held(), keys, "the keys at {epoch}");
    for (key, count) in expected {
        let value = reader.likes(&key.id).unwrap().value.unwrap();
        assert_eq!(value.payload, count, "{} at {epoch}", key.id);
        assert!(value.changed_at <= Epoch(epoch), "{}", key.id);
    }
}

/// Does what a job does: asks for the need and meets it from a history that is kept from `since`
/// on, until the store is true of `newest`. Returns what was done.
pub(crate) fn catch_up(
    writer: &mut Writer,
    history: &History,
    since: u64,
    newest: u64,
) -> Result<Vec<views::Step>, ViewError> {
    let mut steps = Vec::new();
    loop {
        let need = writer.need()?;
        let step = views::decide::step(&need, Epoch(since), Epoch(newest));
        let written = match step {
            views::Step::Nothing => return Ok(steps),
            views::Step::Wait { until } => panic!("epoch {until} lies above {newest}: {need:?}"),
            views::Step::Write { from, to } => writer.write(from, to, history.between(from, to))?,
            views::Step::Rewrite { target } => writer.rewrite(target, history.all(target.0))?,
        };
        steps.push(step);
        assert!(steps.len() < 20, "no end in sight: {steps:?}");
        let _: Written = written;
    }
}

pub(crate) fn differences(from: u64, finish: Option<u64>) -> Need {
    Need::Differences {
        from: Epoch(from),
        finish: finish.map(Epoch),
    }
}
