//! Which partitions the files hold, and where.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use model::PartitionId;

use super::line::Line;
use super::lines::Lines;
use crate::SourceError;

/// What was found in the files so far.
#[derive(Default)]
pub(super) struct Index {
    pub(super) partitions: BTreeMap<PartitionId, Span>,
    /// Lines of the files that were looked at; of the one that is followed, how far.
    lines: u64,
    bytes: u64,
    looked_at: usize,
}

/// The records of one partition.
#[derive(Clone, Debug)]
pub(super) struct Span {
    /// The lowest offset; 0 where offsets are numbers of lines.
    pub(super) start: i64,
    /// The next offset behind the last record.
    pub(super) end: i64,
    /// The files that have records of it, each with the lines of the files before it.
    pub(super) files: BTreeSet<(usize, u64)>,
}

impl Index {
    /// Looks at what was not looked at yet.
    pub(super) fn extend(&mut self, paths: &[PathBuf], follow: bool) -> Result<(), SourceError> {
        if let ([path], true) = (paths, follow) {
            let mut lines = Lines::open_plain_at(path, self.lines, self.bytes)?;
            return self.look(path, 0, 0, &mut lines, true);
        }
        while let Some(path) = paths.get(self.looked_at) {
            let lines_before = self.lines;
            self.look(
                path,
                self.looked_at,
                lines_before,
                &mut Lines::open(path)?,
                false,
            )?;
            self.looked_at += 1;
        }
        Ok(())
    }

    fn look(
        &mut self,
        path: &Path,
        file: usize,
        lines_before: u64,
        lines: &mut Lines,
        whole: bool,
    ) -> Result<(), SourceError> {
        loop {
            let Some((before, text)) = lines.next(whole)? else {
                // Empty lines at the end count, too.
                self.lines = lines_before + lines.count;
                self.bytes = lines.bytes;
                return Ok(());
            };
            let line = Line::parse(text, to_offset(lines_before + before));
            let (partition, offset, by_line) = (line.partition, line.offset, line.by_line);
            let span = self.partitions.entry(partition).or_insert_with(|| Span {
                start: if by_line { 0 } else { offset },
                end: if by_line { 0 } else { offset },
                files: BTreeSet::new(),
            });
            if offset < span.end {
                return Err(SourceError::OffsetNotGrowing {
                    path: path.to_owned(),
                    line: before + 1,
                    partition,
                    offset,
                });
            }
            span.end = offset + 1;
            span.files.insert((file, lines_before));
            self.lines = lines_before + before + 1;
            self.bytes = lines.bytes;
        }
    }
}

/// The offset of a line that has `lines_before` lines before it.
pub(super) fn to_offset(lines_before: u64) -> i64 {
    i64::try_from(lines_before).expect("no file has so many lines")
}
