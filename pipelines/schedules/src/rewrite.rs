//! The rewrite in place of the view store, part by part (DESIGN 3.4).

use model::view::Marker;
use views::Need;
use views::decide::{self, After};

use crate::check::Broken;
use crate::config::{Config, Epoch};
use crate::process::{Part, Process, Work, derive};
use crate::start::Goes;
use crate::store::{Change, Mark, StoreCall, origin, real_epoch, small_epoch};
use crate::world::{Fate, World};
use crate::writer::{command, follow};

impl World {
    /// The next part of a rewrite.
    pub(crate) fn send_part(
        &mut self,
        config: &Config,
        process: &mut Process,
        (target, attempt): (Epoch, u64),
        left: &[Part],
        fate: Fate,
    ) -> Result<Goes, Broken> {
        let code = config.code_of(process.generation);
        let standing = process
            .writer
            .standing
            .expect("a rewrite stands on a marker");
        let marker = standing.real();
        let mut rest = left[1..].to_vec();
        let (mut changes, mut keep_equal) = (Vec::new(), false);
        let next = match &left[0] {
            Part::Begin => {
                decide::begin_rewrite(&marker, real_epoch(target), &origin(code), attempt).next
            }
            Part::Put(values) => {
                let need = decide::need(
                    &Marker {
                        progress: None,
                        ..marker.clone()
                    },
                    &origin(code),
                    None,
                );
                keep_equal = matches!(
                    need,
                    Need::Rewrite {
                        keep_equal: true,
                        ..
                    }
                );
                changes = (values.iter())
                    .map(|&(key, value)| Change {
                        key,
                        value,
                        of: target,
                    })
                    .collect();
                decide::rewrite_part(&marker, changes.iter().map(command).collect()).next
            }
            Part::List => {
                // Keys and marker of one moment.
                if config.protections.listing_checked {
                    let found = self.redis.text();
                    let after = decide::probe(&marker, found.as_deref());
                    if after != After::GoOn {
                        return Ok(follow(process, after));
                    }
                }
                let held = derive(config, process.inputs_at(target), code);
                let listed = (0..held.len()).filter(|&key| self.redis.values[key].value != 0);
                let others = listed.filter(|&key| held[key] == 0);
                let others: Vec<u8> = others
                    .map(|key| u8::try_from(key).expect("few keys"))
                    .collect();
                let deletes = others.chunks(config.commands_max);
                let deletes: Vec<Part> =
                    deletes.map(|piece| Part::Delete(piece.to_vec())).collect();
                rest.splice(0..0, deletes);
                process.writer.work = Work::Rewriting {
                    target,
                    attempt,
                    left: rest,
                };
                return Ok(Goes::On);
            }
            Part::Delete(keys) => {
                changes = (keys.iter())
                    .map(|&key| Change {
                        key,
                        value: 0,
                        of: target,
                    })
                    .collect();
                decide::rewrite_part(&marker, changes.iter().map(command).collect()).next
            }
            Part::End => {
                let mut next = decide::end_rewrite(&marker).next;
                // A rewrite that goes on at another target than the marker's ends there (a mutation).
                next.as_of = Some(real_epoch(target));
                next
            }
        };
        let mut call = StoreCall {
            expect: Some(standing),
            next: Mark::of(&next),
            changes,
            keep_equal,
        };
        if let Some(found) = process.writer.unclaimed {
            call.expect = found;
        }
        let shown = decide::shown(&call.next.real()).map(small_epoch);
        process.writer.shown = process.writer.shown.max(shown);
        let Some(answer) = self.call(config, process, &call, fate)? else {
            if !config.protections.settled_answers {
                process.writer.work = Work::Idle;
            }
            return Ok(Goes::On);
        };
        process.writer.unclaimed = None;
        let after = decide::after(answer);
        if after == After::GoOn {
            process.writer.standing = Some(call.next);
            process.writer.work = if rest.is_empty() {
                Work::Idle
            } else {
                Work::Rewriting {
                    target,
                    attempt,
                    left: rest,
                }
            };
            if process.writer.work == Work::Idle {
                process.writer.since = process.writer.since.max(target);
            }
        }
        Ok(follow(process, after))
    }
}

/// Plans a rewrite of every value at `target`.
pub(crate) fn plan_rewrite(config: &Config, process: &mut Process, mark: &Mark, target: Epoch) {
    let code = config.code_of(process.generation);
    let values = derive(config, process.inputs_at(target), code);
    let held: Vec<(u8, u16)> = values
        .iter()
        .enumerate()
        .filter(|(_, value)| **value != 0)
        .map(|(key, &value)| (u8::try_from(key).expect("few keys"), value))
        .collect();
    let puts = held
        .chunks(config.commands_max)
        .map(|piece| Part::Put(piece.to_vec()));
    let mut left: Vec<Part> = puts.collect();
    let going = mark.progress.filter(|going| going.rewriting);
    match going.filter(|_| !config.protections.rewrite_restarts) {
        // Goes on at the part that was found (a mutation).
        Some(going) => {
            let done = usize::try_from(going.part)
                .expect("few parts")
                .min(left.len());
            left.drain(..done);
        }
        None => left.insert(0, Part::Begin),
    }
    if config.protections.rewrite_deletes {
        left.push(Part::List);
    }
    left.push(Part::End);
    process.writer.attempt = decide::next_attempt(&mark.real(), process.writer.attempt);
    process.writer.work = Work::Rewriting {
        target,
        attempt: process.writer.attempt,
        left,
    };
}
