//! Someone who reads the views all the time, as a site does, and remembers what it saw.
//!
//! What a reader saw is never taken back: the epoch of the views and that of each value's last change never go
//! back, a value with the same epoch is the same value, and at the end the tables must say the same of the
//! epochs that were seen.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use model::Epoch;
use model::view::{CharacterView, Kind, ProgressKind, Stamped, ViewKey, likes};
use views::{RedisReader, ViewReader as _};

use crate::history::Lives;
use crate::job::Job;

/// How often it looks.
const PERIOD: Duration = Duration::from_millis(7);

/// The reader.
pub(crate) struct Watcher {
    thread: JoinHandle<Result<Seen>>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    ended: AtomicBool,
    paused: AtomicBool,
    /// The store itself has gone back: what was seen before counts no more.
    forgets: AtomicU64,
}

/// What was seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Values that were read together with the epoch of the views.
    pub(crate) observations: u64,
    /// Different epochs that the views were true of.
    pub(crate) epochs: u64,
    /// Readings that failed: the store was away.
    pub(crate) away: u64,
    values: Vec<Observation>,
}

#[derive(Debug)]
struct Observation {
    key: ViewKey,
    /// What the value may be true of: the epoch of the views, or of a write under way.
    epochs: [Epoch; 2],
    value: Option<i128>,
}

impl Watcher {
    /// Begins to read some keys of a job's views.
    pub(crate) fn start(job: &Job, keys: Vec<ViewKey>) -> Result<Self> {
        let shared = Arc::<Shared>::default();
        let watching = Arc::clone(&shared);
        let reader = job.reader()?;
        let thread = thread::Builder::new()
            .name("watcher".to_owned())
            .spawn(move || watch(reader, &keys, &watching))?;
        Ok(Self { thread, shared })
    }

    /// Nothing that is read from now on counts, until [`forget`](Self::forget).
    pub(crate) fn pause(&self) {
        self.shared.forgets.fetch_add(1, Ordering::SeqCst);
        self.shared.paused.store(true, Ordering::SeqCst);
    }

    /// From now on the store may be in an earlier state: a fault of its own took back what it held.
    pub(crate) fn forget(&self) {
        self.shared.forgets.fetch_add(1, Ordering::SeqCst);
        self.shared.paused.store(false, Ordering::SeqCst);
    }

    /// Ends, and gives what was seen.
    pub(crate) fn end(self) -> Result<Seen> {
        self.shared.ended.store(true, Ordering::SeqCst);
        let seen = self.thread.join();
        seen.map_err(|_| anyhow!("the watcher panicked"))?
    }
}

fn watch(mut reader: RedisReader, keys: &[ViewKey], shared: &Shared) -> Result<Seen> {
    let mut seen = Seen::default();
    let mut last: BTreeMap<&ViewKey, (Epoch, Vec<u8>)> = BTreeMap::new();
    let mut newest = None;
    let mut forgets = 0;
    while !shared.ended.load(Ordering::SeqCst) {
        thread::sleep(PERIOD);
        let told_to = shared.forgets.load(Ordering::SeqCst);
        if told_to > forgets {
            forgets = told_to;
            last.clear();
            newest = None;
        }
        let Ok(snapshot) = reader.read(keys) else {
            seen.away += 1;
            continue;
        };
        // Told while it read: what it read may be from before or after.
        if shared.forgets.load(Ordering::SeqCst) > forgets || shared.paused.load(Ordering::SeqCst) {
            continue;
        }
        let Some(marker) = snapshot.marker else {
            continue;
        };
        let marker = model::view::Marker::parse(&marker).context("read the marker")?;
        let Some(as_of) = marker.as_of else {
            continue;
        };
        ensure!(
            newest <= Some(as_of),
            "the views were true of epoch {newest:?}, and then of {as_of}"
        );
        if newest != Some(as_of) {
            newest = Some(as_of);
            seen.epochs += 1;
        }
        let progress = marker.progress.as_ref();
        let target = progress.map_or(as_of, |progress| progress.target);
        // A rewrite under way may also go on from one of another target.
        let is_rewriting =
            progress.is_some_and(|progress| progress.state == ProgressKind::Rewriting);
        for (key, value) in keys.iter().zip(snapshot.values) {
            let stamped = value.as_deref().map(Stamped::parse).transpose()?;
            if let Some(stamped) = &stamped {
                if let Some((changed_at, payload)) = last.get(key) {
                    ensure!(
                        *changed_at <= stamped.changed_at,
                        "{key:?} went back from its change at {changed_at} to that at {}",
                        stamped.changed_at
                    );
                    ensure!(
                        *changed_at < stamped.changed_at || *payload == *stamped.payload,
                        "{key:?} has two values as of its change at {changed_at}"
                    );
                }
                last.insert(key, (stamped.changed_at, stamped.payload.to_vec()));
            }
            seen.observations += 1;
            if !is_rewriting {
                let value = stamped
                    .map(|stamped| told(key, stamped.payload))
                    .transpose()?;
                seen.values.push(Observation {
                    key: key.clone(),
                    epochs: [as_of, target],
                    value,
                });
            }
        }
    }
    Ok(seen)
}

/// What a value says, as the tables have it.
fn told(key: &ViewKey, payload: &[u8]) -> Result<i128> {
    Ok(match key.kind {
        Kind::Character => {
            let view = CharacterView::decode(payload)?;
            let best = usize::from(view.preset) - 1;
            view.presets[best].cost_mesos.0
        }
        Kind::Likes => likes::decode(payload)?.into(),
    })
}

impl Seen {
    /// Fails if the tables say other things of the epochs that were seen.
    ///
    /// - returns the number of observations that were held against the tables.
    pub(crate) fn agrees_with(&self, folder: &Path) -> Result<u64> {
        let (likes, characters) = (Lives::of_likes(folder)?, Lives::of_characters(folder)?);
        let mut compared = 0;
        for Observation { key, epochs, value } in &self.values {
            let lives = match key.kind {
                Kind::Character => &characters,
                Kind::Likes => &likes,
            };
            if epochs
                .iter()
                .any(|epoch| *epoch < lives.since || *epoch > lives.through)
            {
                continue;
            }
            let mut said = Vec::new();
            for &epoch in epochs {
                said.push(lives.at(&key.id, epoch)?);
            }
            ensure!(
                said.contains(value),
                "{key:?} was {value:?} in the views as of {}, and is {said:?} in the tables",
                epochs[0]
            );
            compared += 1;
        }
        Ok(compared)
    }
}
