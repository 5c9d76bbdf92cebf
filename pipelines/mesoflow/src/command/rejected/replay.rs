//! `mesoflow rejected replay`: records are published again, to count in the place that they had.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, anyhow};
use clap::Args as ClapArgs;
use model::RawRecord;
use runtime::acts::{Acts, Deed, Published, RecordPlace, Standing};
use serde::Serialize;

use super::Queue;
use super::acts::{ActArgs, act, record};
use super::diff::{self, Verdict};
use super::discard::{nothing_to_do, records, skips};
use super::resume::{finish, replays};
use super::rows::{Read, Row, for_each};
use super::target::Target;
use crate::failure::Failed as _;
use crate::terminal;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(flatten)]
    act: ActArgs,
    /// Publishes what this file holds in place of the value of the one record; `show --to` writes the original.
    #[arg(long, value_name = "FILE")]
    value: Option<PathBuf>,
    /// Of a job that reads files: writes the replays into this new file, which is to be read behind all others.
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// Why, for the record.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Also records that were replayed or discarded before, or that this program's parser refuses.
    #[arg(long)]
    force: bool,
}

#[derive(Default, Serialize)]
struct Done {
    dry_run: bool,
    /// Records that are published again, or would be.
    replayed: usize,
    /// Records that are left as they are, by the reason.
    skipped: BTreeMap<&'static str, usize>,
    /// The numbers of the acts that began and ended it.
    acts: Vec<(u64, u64)>,
    published: Vec<Replayed>,
}

/// A record and where its replay stands.
#[derive(Serialize)]
struct Replayed {
    record: String,
    replayed_at: i64,
}

/// Why a record is not replayed; `None`: it is.
fn skip(standing: Standing, verdict: &Verdict, force: bool) -> Option<&'static str> {
    if force {
        return None;
    }
    match (standing, verdict) {
        (Standing::Replaying { .. }, _) => Some("whose replay was cut off"),
        (Standing::Replayed { .. }, _) => Some("replayed before"),
        (Standing::Discarded { .. }, _) => Some("discarded"),
        (Standing::Open, Verdict::Same | Verdict::Other(_)) => Some("that would be rejected again"),
        (Standing::Open, Verdict::Accepted | Verdict::Undecided) => None,
    }
}

/// A record that will be replayed.
struct Taken {
    place: RecordPlace,
    bytes: usize,
}

pub(super) fn run(queue: &Queue, args: &Args, json: bool) -> Result<()> {
    let by = args.act.by.name()?;
    let target = Target::of(&queue.job, args.to.as_deref())?;
    if let Some(to) = args.to.as_ref().filter(|to| to.exists()) {
        return Err(anyhow!("{} is there already", to.display()))
            .advise("give a file that is not there: none is written over")
            .wrong();
    }
    none_unfinished(&queue.acts)?;
    let value = args.value.as_ref().map(read_value).transpose()?;
    let mut done = Done {
        dry_run: args.act.dry_run,
        ..Done::default()
    };
    let taken = choose(queue, args, &target, value.as_deref(), &mut done)?;
    done.replayed = taken.len();
    if taken.is_empty() {
        return nothing_to_do("replay", &done.skipped);
    }
    if !done.dry_run {
        let mut acts = queue.acts.clone();
        for chunk in chunks(&taken, target.limits()) {
            let begun = Begun {
                records: chunk.iter().map(|taken| taken.place).collect(),
                note: args.note.clone(),
                value: value.clone(),
            };
            publish(queue, &target, &mut acts, begun, &by, &mut done)?;
        }
    }
    if json {
        return terminal::print_json(&done);
    }
    terminal::print(&text(&done))
}

/// The records that are to be replayed, in the order of the places that they count in: of one key an older one that
/// comes after a newer one is too late.
fn choose(
    queue: &Queue,
    args: &Args,
    target: &Target,
    value: Option<&str>,
    done: &mut Done,
) -> Result<Vec<Taken>> {
    let selection = args.act.selection()?;
    let originals = queue.acts.originals();
    let mut taken: BTreeMap<RecordPlace, Taken> = BTreeMap::new();
    let mut matched = 0_u64;
    for_each(queue, &selection, Read::Bytes, |row| {
        matched += 1;
        if value.is_some() && matched > 1 {
            return Err(anyhow!(
                "several records are meant, and one value is given for them"
            ))
            .advise("name the one by its place")
            .wrong();
        }
        let verdict = match value {
            None => Verdict::of(&row),
            Some(value) => verdict_on(value, &row),
        };
        let original = originals.get(&row.place).copied().unwrap_or(row.place);
        let standing = queue.standing(row.place);
        let why_not = if !target.has(row.place) {
            Some("of a topic or partition that the job does not read")
        } else if taken.contains_key(&original) {
            Some("of an original that is replayed already")
        } else {
            skip(standing, &verdict, args.force)
        };
        match (why_not, value, verdict) {
            (Some(_), Some(_), Verdict::Other(fault)) if standing == Standing::Open => {
                Err(anyhow!("the value would be rejected: {fault}"))
                    .advise("correct it; --force publishes it all the same")
                    .wrong()
            }
            (Some(why), ..) => {
                *done.skipped.entry(why).or_default() += 1;
                Ok(())
            }
            (None, ..) => {
                let bytes = value.map_or(row.value.as_ref().map_or(0, Vec::len), str::len);
                let place = row.place;
                taken.insert(original, Taken { place, bytes });
                Ok(())
            }
        }
    })?;
    Ok(taken.into_values().collect())
}

/// Splits records into acts of at most so many records and about so many bytes.
fn chunks(taken: &[Taken], (records_max, bytes_max): (usize, usize)) -> Vec<&[Taken]> {
    let mut chunks = Vec::new();
    let (mut begin, mut bytes) = (0, 0);
    for (at, taken_here) in taken.iter().enumerate() {
        bytes += taken_here.bytes;
        if at + 1 - begin >= records_max || bytes >= bytes_max {
            chunks.push(&taken[begin..=at]);
            (begin, bytes) = (at + 1, 0);
        }
    }
    if begin < taken.len() {
        chunks.push(&taken[begin..]);
    }
    chunks
}

fn text(done: &Done) -> String {
    let mut text = if done.dry_run {
        format!("{}: to publish again\n", records(done.replayed))
    } else {
        format!(
            "{}: published again. The job admits each in its place as it reads on.\n",
            records(done.replayed)
        )
    };
    text += &skips(&done.skipped);
    text
}

/// Refuses while a replay is unfinished: which records are replays would not be known.
fn none_unfinished(acts: &Acts) -> Result<()> {
    let Some(&number) = acts.unfinished().first() else {
        return Ok(());
    };
    let by = acts.get(number).map_or("someone", |act| &act.by);
    Err(anyhow!("replay {number} by {by} has begun and not ended"))
        .advise("wait for it if it still runs, else finish it with `mesoflow rejected resume`")
}

fn read_value(file: &PathBuf) -> Result<String> {
    fs::read_to_string(file)
        .with_context(|| format!("read {}", file.display()))
        .advise("name a file that is there and holds a message in UTF-8")
        .wrong()
}

/// What the parser says of a record with another value. A fault is named also where it is the old one.
fn verdict_on(value: &str, row: &Row) -> Verdict {
    let record = RawRecord {
        value: Some(value.as_bytes()),
        ..row.record()
    };
    diff::read(row.place.topic, &record).unwrap_or_else(Verdict::Other)
}

/// What a replay is to be of.
struct Begun {
    records: Vec<RecordPlace>,
    note: Option<String>,
    value: Option<String>,
}

/// Records what is about to happen, does it, and records that it is done.
fn publish(
    queue: &Queue,
    target: &Target,
    acts: &mut Acts,
    of: Begun,
    by: &str,
    done: &mut Done,
) -> Result<()> {
    let partitions = of.records.iter().map(RecordPlace::partition);
    let ends = target.ends(&partitions.collect())?;
    let replays = replays(queue, acts, &of.records, of.value.clone())?;
    let deed = Deed::ReplayBegun {
        records: of.records,
        note: of.note,
        value: of.value,
        ends: ends.clone(),
    };
    let begun = record(acts, act(by, deed))?;
    target.publish(&replays, &ends)?;
    let published = target.look_for_all(&replays, &ends)?;
    let listed = published.iter().map(|published: &Published| Replayed {
        record: published.record.to_string(),
        replayed_at: published.replayed_at,
    });
    done.published.extend(listed);
    done.acts.push((begun, finish(acts, begun, published, by)?));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_replayed_twice_or_in_vain_unless_it_is_forced() {
        let other = Verdict::Other(
            diff::read(
                model::Topic::Likes,
                &RawRecord {
                    key: None,
                    value: None,
                    timestamp_millis: model::Millis(0),
                    offset: 0,
                    replays: None,
                },
            )
            .unwrap_err(),
        );
        let open = Standing::Open;
        assert_eq!(skip(open, &Verdict::Accepted, false), None);
        assert_eq!(skip(open, &Verdict::Undecided, false), None);
        assert!(skip(open, &Verdict::Same, false).is_some());
        assert!(skip(open, &other, false).is_some());
        for standing in [
            Standing::Replaying { act: 1 },
            Standing::Replayed { act: 1, at: 2 },
            Standing::Discarded { act: 1 },
        ] {
            assert!(skip(standing, &Verdict::Accepted, false).is_some());
            assert_eq!(skip(standing, &other, true), None);
        }
    }

    #[test]
    fn acts_are_cut_by_records_and_by_bytes_and_leave_nothing_out() {
        let taken: Vec<Taken> = [1, 1, 9, 1, 1, 1, 1]
            .into_iter()
            .zip(0..)
            .map(|(bytes, offset)| {
                let place = RecordPlace {
                    topic: model::Topic::Likes,
                    partition: 0,
                    offset,
                };
                Taken { place, bytes }
            })
            .collect();
        let lengths = |limits| -> Vec<usize> {
            chunks(&taken, limits)
                .into_iter()
                .map(<[Taken]>::len)
                .collect()
        };
        assert_eq!(lengths((3, 100)), [3, 3, 1]);
        assert_eq!(lengths((100, 10)), [3, 4]);
        assert_eq!(lengths((100, 100)), [7]);
        assert_eq!(lengths((1, 1)), [1; 7]);
        assert!(chunks(&[], (3, 3)).is_empty());
    }
}
