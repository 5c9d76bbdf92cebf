//! The writer of the view store, call by call: `views::ViewWriter` and the thread around it, which block, as steps.
//! Every decision is one of [`views::decide`].

use std::sync::Arc;

use model::Epoch as RealEpoch;
use model::view::{Marker, ViewKey};
use views::decide::{self, After, ClaimStep};
use views::{Answer, Command, Need, Step};

use crate::check::{Broken, History, Property, broken};
use crate::config::{Config, Cut, Epoch};
use crate::process::{Process, Work, Writer, derive};
use crate::rewrite::plan_rewrite;
use crate::start::{Claimed, Goes, differences_from};
use crate::store::{Applied, Change, Mark, StoreCall, origin, real_epoch, small_epoch};
use crate::world::{Fate, Late, World};

impl World {
    /// Claims the store (`views::ViewStore::claim`).
    pub(crate) fn claim(
        &mut self,
        config: &Config,
        process: &mut Process,
        fate: Fate,
    ) -> Result<Claimed, Broken> {
        let generation = u64::from(process.generation);
        if !decide::may_claim(generation, u64::from(self.newest_generation)) {
            return Ok(Claimed::Ends);
        }
        let found = self.redis.text();
        let next = match decide::claim(found.as_deref(), generation) {
            ClaimStep::Fenced { .. } => return Ok(Claimed::Ends),
            ClaimStep::Exchange { next } => Mark::of(&next),
        };
        let shown = decide::shown(&next.real()).map(small_epoch);
        if !config.protections.claim {
            process.writer.unclaimed = Some(self.redis.mark);
            process.writer.shown = process.writer.shown.max(shown);
            process.writer.standing = Some(next);
            return Ok(Claimed::Yes);
        }
        let call = StoreCall {
            expect: self.redis.mark,
            next,
            changes: Vec::new(),
            keep_equal: false,
        };
        Ok(match self.call(config, process, &call, fate)? {
            Some(Answer::Applied | Answer::DoneAlready) => {
                process.writer.shown = process.writer.shown.max(shown);
                let own = origin(config.code_of(process.generation));
                if decide::is_own(&next.real(), &own)
                    && process.writer.shown >= process.writer.before
                {
                    process.writer.before = None;
                }
                process.writer.standing = Some(next);
                Claimed::Yes
            }
            Some(Answer::Fenced { .. }) => Claimed::Ends,
            Some(Answer::Gap) | None => Claimed::NotYet,
        })
    }

    /// Sends a call; `None`: no answer.
    pub(crate) fn call(
        &mut self,
        config: &Config,
        process: &Process,
        call: &StoreCall,
        fate: Fate,
    ) -> Result<Option<Answer>, Broken> {
        match fate {
            Fate::Answered => self.exchange(config, call, &process.history).map(Some),
            Fate::Lost => self.exchange(config, call, &process.history).map(|_| None),
            Fate::Late => {
                let history: Arc<Vec<(Epoch, Cut)>> = Arc::clone(&process.history);
                self.late.push(Late::Store(call.clone(), history));
                Ok(None)
            }
        }
    }

    /// A call reaches the store.
    pub(crate) fn exchange(
        &mut self,
        config: &Config,
        call: &StoreCall,
        history: &History,
    ) -> Result<Answer, Broken> {
        let by = call.next.generation;
        match (self.redis).apply(call, &config.protections, config.one_generation) {
            Applied::WentBack(change, was) => broken(
                Property::NeverBack,
                format!(
                    "generation {by} writes {} of epoch {} to key {}, which was {} of epoch {}",
                    change.value, change.of, change.key, was.value, was.of
                ),
            ),
            Applied::ByOlder(newer) => broken(
                Property::OneGeneration,
                format!("generation {by} writes to the views that {newer} has claimed"),
            ),
            Applied::Answer(Answer::Applied) => {
                let is_claim = call.expect.is_some_and(|expect| {
                    let before = (expect.as_of, expect.progress);
                    before == (call.next.as_of, call.next.progress)
                });
                if let (Some(epoch), None, false) = (call.next.as_of, call.next.progress, is_claim)
                {
                    self.check_views(config, epoch, call.next.code, history)?;
                }
                Ok(Answer::Applied)
            }
            Applied::Answer(answer) => Ok(answer),
        }
    }

    /// What the store needs of a process, and what is done about it.
    fn needed(&self, config: &Config, process: &Process, mark: &Mark) -> (Need, Step) {
        let protections = &config.protections;
        let code = config.code_of(process.generation);
        // Without the origin, values of any code are taken for own ones.
        let own = if protections.origin {
            origin(code)
        } else {
            origin(mark.code)
        };
        let seen = process.writer.seen(mark, code, config);
        let seen = seen.filter(|_| protections.rewrite_above_shown);
        let mut need = decide::need(&mark.real(), &own, seen);
        match &mut need {
            Need::Differences { finish, .. } if !protections.finish_cut_off => *finish = None,
            Need::Rewrite { at_least, .. } if !protections.rewrite_above_shown => *at_least = None,
            Need::Differences { .. } | Need::Rewrite { .. } => {}
        }
        let from = differences_from(&need);
        let mut since = process.writer.since.max(from.unwrap_or(0));
        if !protections.sink_base {
            since = 0;
        }
        let newest = process.finished();
        let step = decide::step(&need, real_epoch(since), real_epoch(newest));
        (need, step)
    }

    /// The epoch that the views of a process wait for.
    pub(crate) fn views_wait(&self, config: &Config, process: &Process) -> Option<Epoch> {
        let mark = process
            .writer
            .standing
            .filter(|_| process.writer.work == Work::Idle)?;
        match self.needed(config, process, &mark).1 {
            Step::Wait { until } => Some(small_epoch(until)),
            Step::Nothing | Step::Write { .. } | Step::Rewrite { .. } => None,
        }
    }

    /// Whether a process has something to do for the views.
    pub(crate) fn views_want(&self, config: &Config, process: &Process) -> bool {
        if process.finished() == 0 {
            return false;
        }
        let Some(mark) = process.writer.standing else {
            return true;
        };
        if process.writer.work != Work::Idle {
            return true;
        }
        match self.needed(config, process, &mark).1 {
            Step::Write { .. } | Step::Rewrite { .. } => true,
            // It looks every few seconds; where all is as it was left, nothing comes of it.
            Step::Nothing | Step::Wait { .. } => {
                config.protections.idle_probe
                    && self.redis.mark != process.writer.unclaimed.unwrap_or(Some(mark))
            }
        }
    }

    /// Goes on with the views.
    pub(crate) fn views(
        &mut self,
        config: &Config,
        process: &mut Process,
        fate: Fate,
    ) -> Result<Goes, Broken> {
        let Some(mark) = process.writer.standing else {
            return Ok(match self.claim(config, process, fate)? {
                Claimed::Yes | Claimed::NotYet => Goes::On,
                Claimed::Ends => Goes::Ends,
            });
        };
        if process.writer.work == Work::Idle {
            let (need, step) = self.needed(config, process, &mark);
            if let Some(from) = differences_from(&need) {
                process.writer.since = process.writer.since.max(from);
            }
            match step {
                Step::Write { from, to } => self.plan_write(config, process, &mark, from, to),
                Step::Rewrite { target } => {
                    let target = small_epoch(target);
                    // What readers have seen of a store that is gone is not taken back.
                    let shown = process.writer.shown.max(process.writer.before);
                    let is_below = shown.is_some_and(|shown| target < shown);
                    if is_below && config.protections.rewrite_above_shown {
                        return Ok(Goes::On);
                    }
                    plan_rewrite(config, process, &mark, target);
                }
                Step::Nothing | Step::Wait { .. } => {
                    let found = self.redis.text();
                    let after = decide::probe(&mark.real(), found.as_deref());
                    return Ok(follow(process, after));
                }
            }
        }
        match process.writer.work.clone() {
            Work::Idle => Ok(Goes::On),
            Work::Writing(calls) => self.send_write(config, process, &calls, fate),
            Work::Rewriting {
                target,
                attempt,
                left,
            } => self.send_part(config, process, (target, attempt), &left, fate),
        }
    }

    /// Plans the calls of the net differences.
    fn plan_write(
        &self,
        config: &Config,
        process: &mut Process,
        mark: &Mark,
        from: RealEpoch,
        to: RealEpoch,
    ) {
        let code = config.code_of(process.generation);
        let values = |epoch| derive(config, process.inputs_at(epoch), code);
        let (old, new) = (values(small_epoch(from)), values(small_epoch(to)));
        let changes: Vec<Change> = (0..old.len())
            .filter(|&key| old[key] != new[key])
            .map(|key| Change {
                key: u8::try_from(key).expect("few keys"),
                value: new[key],
                of: small_epoch(to),
            })
            .collect();
        let marker = mark.real();
        process.writer.attempt = decide::next_attempt(&marker, process.writer.attempt);
        let pieces = changes.chunks(config.commands_max).map(<[Change]>::to_vec);
        let pieces: Vec<Vec<Change>> = pieces.collect();
        let commands = pieces
            .iter()
            .map(|piece| piece.iter().map(command).collect());
        let attempt = process.writer.attempt;
        let real = decide::calls_of(&marker, to, &origin(code), attempt, commands);
        let mut calls: Vec<StoreCall> = Vec::new();
        for (place, call) in real.iter().enumerate() {
            let expect = call
                .expect
                .as_deref()
                .map(|text| Mark::of(&Marker::parse(text).expect("the real code writes markers")));
            calls.push(StoreCall {
                expect,
                next: Mark::of(&call.next),
                changes: pieces.get(place).cloned().unwrap_or_default(),
                keep_equal: false,
            });
        }
        if let (Some(found), Some(first)) = (process.writer.unclaimed.take(), calls.first_mut()) {
            first.expect = found;
        }
        process.writer.work = Work::Writing(calls);
    }

    fn send_write(
        &mut self,
        config: &Config,
        process: &mut Process,
        calls: &[StoreCall],
        fate: Fate,
    ) -> Result<Goes, Broken> {
        let call = &calls[0];
        let shown = decide::shown(&call.next.real()).map(small_epoch);
        process.writer.shown = process.writer.shown.max(shown);
        let Some(answer) = self.call(config, process, call, fate)? else {
            if !config.protections.settled_answers {
                process.writer.work = Work::Idle;
            }
            return Ok(Goes::On);
        };
        let after = decide::after(answer);
        if after == After::GoOn {
            process.writer.standing = Some(call.next);
            process.writer.work = match &calls[1..] {
                [] => Work::Idle,
                rest => Work::Writing(rest.to_vec()),
            };
            if process.writer.work == Work::Idle {
                process.writer.since = process.writer.since.max(call.next.as_of.unwrap_or(0));
            }
        }
        Ok(follow(process, after))
    }
}

impl Writer {
    /// The epoch that a rewrite must not lie below.
    pub(crate) fn seen(&self, mark: &Mark, code: u8, config: &Config) -> Option<RealEpoch> {
        let (shown, before) = (self.shown.map(real_epoch), self.before.map(real_epoch));
        if config.protections.unknown_origin {
            decide::seen(&mark.real(), &origin(code), shown, before)
        } else {
            shown.max(before)
        }
    }
}

/// What an answer leads to: after a gap the store is claimed again.
pub(crate) fn follow(process: &mut Process, after: After) -> Goes {
    match after {
        After::GoOn => Goes::On,
        After::End { .. } => Goes::Ends,
        After::ClaimAgain => {
            process.writer.standing = None;
            process.writer.unclaimed = None;
            process.writer.work = Work::Idle;
            Goes::On
        }
    }
}
/// A change as the real code sends it.
pub(crate) fn command(change: &Change) -> Command {
    let key = ViewKey::likes(change.key.to_string());
    if change.value == 0 {
        Command::Delete { key }
    } else {
        let value = change.value.to_string().into_bytes();
        Command::Put { key, value }
    }
}
