//! The graphs on one worker, without sources and sinks.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use graphs::{Output, Settings};
use model::Epoch;
use model::snapshot::{Snapshot, binary};
use rustc_hash::{FxHashMap, FxHashSet};
use sources::generator::{Fact, Generator, GeneratorConfig};
use valuation::totals::character_value;

use super::Size;
use super::admit::likes;
use crate::figure::{Bound, Figure};
use crate::measure::{resident_bytes, thread_cpu_seconds, timed};

/// Changes of an epoch under load.
const EPOCH: usize = 10_000;

pub(super) fn run(size: Size) -> Result<Vec<Figure>> {
    let mut figures = characters(size)?;
    figures.push(like_changes(size)?);
    Ok(figures)
}

/// What a run of the likes graph is fed with: the liked character of each change.
struct Likes {
    names: Vec<String>,
    targets: Vec<u32>,
}

fn like_changes(size: Size) -> Result<Figure> {
    let mut generator = Generator::new(likes(size.of(50_000, 2_000_000)))?;
    let mut targets = Vec::new();
    while let Some(generated) = generator.next() {
        if let Fact::Like { target, .. } = generated.fact {
            targets.push(target);
        }
    }
    let names = generator.names();
    let characters = 1 + targets.iter().max().copied().context("find a like")?;
    let likes = Arc::new(Likes {
        names: (0..characters).map(|number| names.ocid(number)).collect(),
        targets,
    });
    let mut rates = Vec::new();
    for _ in 0..size.of(1, 3) {
        let likes = Arc::clone(&likes);
        let seconds = timely::execute_directly(move |worker| count(worker, &likes))?;
        rates.push(seconds);
    }
    let changes = likes.targets.len() as f64;
    Ok(Figure::new(
        format!("likes: {changes} changes of {characters} counts, {EPOCH} an epoch"),
        "changes a second and core",
        rates.into_iter().map(|seconds| changes / seconds).collect(),
    ))
}

/// CPU seconds of counting all likes.
fn count(worker: &mut timely::worker::Worker, likes: &Likes) -> Result<f64> {
    let rules = odds::shipped(odds::SHIPPED[0])?;
    let told = Rc::new(RefCell::new(Vec::new()));
    let heard = Rc::clone(&told);
    let (mut inputs, progress) = graphs::build(worker, &Settings::new(rules), move |_, output| {
        if let Output::Likes(changes) = output {
            heard.borrow_mut().push(changes);
        }
    });
    let before = thread_cpu_seconds()?;
    let mut epoch = 0;
    for chunk in likes.targets.chunks(EPOCH) {
        for &target in chunk {
            inputs.like(&likes.names[target as usize], 1);
        }
        epoch += 1;
        inputs.advance_to(Epoch(epoch));
        inputs.flush();
        while !progress.is_beyond(Epoch(epoch - 1)) {
            worker.step();
        }
    }
    let seconds = thread_cpu_seconds()? - before;

    let mut counts: FxHashMap<&str, i64> = FxHashMap::default();
    let told = told.borrow();
    for change in told.iter().flatten() {
        counts.insert(&change.key, change.new.unwrap_or(0));
    }
    let mut wanted: FxHashMap<&str, i64> = FxHashMap::default();
    for &target in &likes.targets {
        *wanted.entry(&likes.names[target as usize]).or_default() += 1;
    }
    ensure!(counts == wanted, "the likes graph counts wrongly");
    Ok(seconds)
}

fn characters(size: Size) -> Result<Vec<Figure>> {
    let generator = Generator::new(GeneratorConfig::default())?;
    let count = size.of(500, 100_000);
    let (mut loads, mut warm, mut changes, mut shares) = (vec![], vec![], vec![], vec![]);
    let (mut bytes, mut character_bytes) = (vec![], vec![]);
    let mut keys = 0;
    for _ in 0..size.of(1, 3) {
        let snapshots = snapshots(&generator, count);
        let values = wanted(&generator, count, size)?;
        let changed = encoded(&generator, 0, 1);
        let run = timely::execute_directly(move |worker| {
            appraise(worker, &snapshots, &changed, &values)
        })?;
        keys = run.prices;
        loads.push(f64::from(count) / run.load_seconds);
        warm.push(f64::from(count) / run.again_seconds);
        bytes.push(run.bytes / 1e6);
        character_bytes.push(run.character_bytes);
        changes.push(run.change_seconds * 1e6);
        shares.push(run.again_seconds / run.change_seconds);
    }
    Ok(vec![
        Figure::new(
            format!("expectation: {count} compact characters, {keys} keys priced on the way"),
            "characters a second and core",
            loads,
        ),
        Figure::new(
            "the same characters again, all changed, every price known",
            "characters a second and core",
            warm,
        ),
        // Of the first run: later ones find the memory that it gave back.
        Figure::new(
            "state in the graph that a character more takes",
            "bytes",
            vec![character_bytes[0]],
        )
        .goal(Bound::AtMost(1024.0)),
        Figure::new(
            format!("state of all {count}, with the items and prices that they share"),
            "MB",
            vec![bytes[0]],
        ),
        Figure::new("one item of one character changes", "µs of CPU", changes),
        Figure::new(
            "whole recomputation, every price known, against one changed item",
            "times",
            shares,
        )
        .goal(Bound::AtLeast(1000.0)),
    ])
}

struct Appraised {
    prices: u64,
    load_seconds: f64,
    again_seconds: f64,
    change_seconds: f64,
    /// What a character more takes.
    character_bytes: f64,
    /// What all take, with items and prices that they share.
    bytes: f64,
}

/// Snapshots of all characters at revision 0 and at revision 2.
struct Snapshots {
    ocids: Vec<String>,
    first: Vec<Box<[u8]>>,
    second: Vec<Box<[u8]>>,
}

fn snapshots(generator: &Generator, count: u32) -> Snapshots {
    let names = generator.names();
    let all = |revision| {
        (0..count)
            .map(|character| encoded(generator, character, revision))
            .collect()
    };
    Snapshots {
        ocids: (0..count).map(|character| names.ocid(character)).collect(),
        first: all(0),
        second: all(2),
    }
}

fn encoded(generator: &Generator, character: u32, revision: u32) -> Box<[u8]> {
    let outfit = generator.outfit(character, revision);
    binary::encode(&Snapshot {
        class: outfit.class.to_owned(),
        presets: outfit.presets,
    })
}

/// What some characters cost at the end: character 0 at revision 1, every 97th at revision 2.
fn wanted(generator: &Generator, count: u32, size: Size) -> Result<FxHashMap<String, i128>> {
    let rules = odds::shipped(odds::SHIPPED[0])?;
    let step = size.of(97, 997);
    let characters = (0..count).step_by(step).map(|character| {
        let revision = if character == 0 { 1 } else { 2 };
        let outfit = generator.outfit(character, revision);
        let value = character_value(&rules, outfit.class, &outfit.presets);
        let best = usize::from(value.preset) - 1;
        let cost = value.presets[best].0.cost_mesos.0;
        (generator.names().ocid(character), cost)
    });
    Ok(characters.collect())
}

fn appraise(
    worker: &mut timely::worker::Worker,
    snapshots: &Snapshots,
    changed: &[u8],
    wanted: &FxHashMap<String, i128>,
) -> Result<Appraised> {
    let settings = Settings::new(odds::shipped(odds::SHIPPED[0])?);
    let prices = Arc::clone(&settings.prices);
    let told: Rc<RefCell<(usize, FxHashMap<String, i128>)>> = Rc::default();
    let heard = Rc::clone(&told);
    let asked: FxHashSet<String> = wanted.keys().cloned().collect();
    let (mut inputs, progress) = graphs::build(worker, &settings, move |_, output| {
        if let Output::Valuations(changes) = output {
            let mut heard = heard.borrow_mut();
            heard.0 += changes.len();
            for change in changes {
                if let Some(value) = &change.new
                    && asked.contains(&*change.key)
                {
                    let cost = value.best().cost_mesos.0;
                    heard.1.insert(change.key.to_string(), cost);
                }
            }
        }
    });
    let mut epoch = 0;
    let mut feed = |worker: &mut timely::worker::Worker, of: &[(&str, &[u8])]| {
        for (ocid, snapshot) in of {
            inputs.character(ocid, Some(snapshot));
        }
        epoch += 1;
        inputs.advance_to(Epoch(epoch));
        inputs.flush();
        while !progress.is_beyond(Epoch(epoch - 1)) {
            worker.step();
        }
    };
    let mut feed_all = |worker: &mut timely::worker::Worker, first: usize, of: &[Box<[u8]>]| {
        let all = snapshots.ocids[first..].iter().zip(of);
        let all: Vec<_> = all.map(|(ocid, of)| (ocid.as_str(), &**of)).collect();
        timed(|| {
            for chunk in all.chunks(1_000) {
                feed(worker, chunk);
            }
            Ok(())
        })
    };
    let before = resident_bytes()?;
    let (half, rest) = snapshots.first.split_at(snapshots.first.len() / 2);
    let ((), half_seconds) = feed_all(worker, 0, half)?;
    let middle = resident_bytes()?;
    let ((), rest_seconds) = feed_all(worker, half.len(), rest)?;
    let after = resident_bytes()?;
    let ((), again_seconds) = feed_all(worker, 0, &snapshots.second)?;
    // Character 0 goes on to the next revision: one slot differs. The first time warms caches.
    let at_second = &*snapshots.second[0];
    let ocid = snapshots.ocids[0].as_str();
    for _ in 0..10 {
        feed(worker, &[(ocid, changed)]);
        feed(worker, &[(ocid, at_second)]);
    }
    let ((), change_seconds) = timed(|| {
        for _ in 0..100 {
            feed(worker, &[(ocid, changed)]);
            feed(worker, &[(ocid, at_second)]);
        }
        Ok(())
    })?;
    feed(worker, &[(ocid, changed)]);

    let told = told.borrow();
    ensure!(told.1 == *wanted, "the expectation graph values wrongly");
    let most = 2 * snapshots.ocids.len() + 221;
    ensure!(
        told.0 <= most && told.0 > snapshots.ocids.len(),
        "{} values changed, at most {most} can",
        told.0
    );
    Ok(Appraised {
        prices: prices.computed(),
        load_seconds: half_seconds + rest_seconds,
        again_seconds,
        change_seconds: change_seconds / 200.0,
        character_bytes: after.saturating_sub(middle) as f64 / rest.len() as f64,
        bytes: after.saturating_sub(before) as f64,
    })
}
