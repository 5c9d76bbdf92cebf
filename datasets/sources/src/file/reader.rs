//! Reads one partition out of files.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use model::PartitionId;

use super::index::{Span, to_offset};
use super::line::Line;
use super::lines::Lines;
use crate::{Limits, PartitionReader, Polled, RecordBatch, SourceError, Wake};

/// How often a followed file is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Reads the files that have records of its partition, in order, and passes over all others.
pub(super) struct FileReader {
    paths: Arc<[PathBuf]>,
    follow: bool,
    partition: PartitionId,
    /// Files not yet opened, each with the lines of the files before it; in order.
    files: std::collections::btree_set::IntoIter<(usize, u64)>,
    /// The file being read and the lines of the files before it.
    open: Option<(Lines, u64)>,
    end: i64,
    /// All records below it were handed out.
    next_offset: i64,
    /// A record that was read and lies behind a cut.
    held: RecordBatch,
}

impl FileReader {
    pub(super) fn new(
        paths: Arc<[PathBuf]>,
        follow: bool,
        span: Span,
        partition: PartitionId,
        next_offset: i64,
    ) -> Self {
        Self {
            paths,
            follow,
            partition,
            files: span.files.into_iter(),
            open: None,
            end: span.end,
            next_offset,
            held: RecordBatch::new(),
        }
    }

    /// Reads up to the next record of the partition and puts it into `batch`, or into `held` if it
    /// lies behind the cut. Returns whether there was one.
    fn read(&mut self, batch: &mut RecordBatch, stop_at: Option<i64>) -> Result<bool, SourceError> {
        loop {
            let Some((lines, lines_before)) = &mut self.open else {
                let Some((file, lines_before)) = self.files.next() else {
                    return Ok(false);
                };
                let path = &self.paths[file];
                let lines = if self.follow {
                    Lines::open_plain_at(path, 0, 0)?
                } else {
                    Lines::open(path)?
                };
                self.open = Some((lines, lines_before));
                continue;
            };
            let Some((before, text)) = lines.next(self.follow)? else {
                if self.follow {
                    return Ok(false);
                }
                self.open = None;
                continue;
            };
            let line = Line::parse(text, to_offset(*lines_before + before));
            if line.partition != self.partition || line.offset < self.next_offset {
                continue;
            }
            if stop_at.is_some_and(|stop| line.offset >= stop) {
                self.held.push(line.as_record());
            } else {
                self.next_offset = line.offset + 1;
                batch.push(line.as_record());
            }
            return Ok(true);
        }
    }

    /// The record that was held back, if it lies in front of the cut now.
    fn release(&mut self, batch: &mut RecordBatch, stop_at: Option<i64>) {
        if let Some(record) = self.held.get(0)
            && stop_at.is_none_or(|stop| record.offset < stop)
        {
            self.next_offset = record.offset + 1;
            batch.push(record);
            self.held.clear();
        }
    }

    /// What the end of the files means for a call that found no record.
    fn at_end(&mut self, stop_at: Option<i64>) -> Result<Polled, SourceError> {
        match stop_at {
            Some(stop) if stop > self.end.max(self.next_offset) => Err(SourceError::OffsetGone {
                partition: self.partition,
                next_offset: stop,
                available: self.next_offset..self.end.max(self.next_offset),
            }),
            Some(stop) => {
                self.next_offset = self.next_offset.max(stop);
                Ok(Polled::End)
            }
            None => Ok(Polled::End),
        }
    }
}

impl PartitionReader for FileReader {
    fn partition(&self) -> PartitionId {
        self.partition
    }

    /// A file does not tell that it grew.
    fn wake_with(&mut self, _: Wake) {}

    fn next_offset(&self) -> i64 {
        self.next_offset
    }

    fn poll(
        &mut self,
        batch: &mut RecordBatch,
        limits: Limits,
        stop_at: Option<i64>,
        timeout: Duration,
    ) -> Result<Polled, SourceError> {
        batch.clear();
        if stop_at.is_some_and(|stop| self.next_offset >= stop) {
            return Ok(Polled::End);
        }
        self.release(batch, stop_at);
        let deadline = Instant::now() + timeout;
        loop {
            let mut more = true;
            while more && self.held.is_empty() && !limits.are_reached_by(batch) {
                more = self.read(batch, stop_at)?;
            }
            if let (Some(stop), false) = (stop_at, self.held.is_empty()) {
                self.next_offset = self.next_offset.max(stop);
            }
            if !batch.is_empty() {
                return Ok(Polled::Records);
            }
            if !self.held.is_empty() {
                return Ok(Polled::End);
            }
            if !self.follow {
                return self.at_end(stop_at);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Polled::Idle);
            }
            thread::sleep(left.min(LOOK_AGAIN));
        }
    }
}
