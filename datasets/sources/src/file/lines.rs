//! The lines of one file, decompressed, with their numbers.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use crate::SourceError;

/// Bytes of the longest line: a message of 2 MiB is at most 12 MiB with every byte escaped.
const LINE_BYTES_MAX: usize = 64 << 20;
const BUFFER_BYTES: usize = 256 << 10;

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Reads a file line by line.
pub(super) struct Lines {
    path: PathBuf,
    input: Box<dyn BufRead + Send>,
    /// The line being read, without its break.
    line: Vec<u8>,
    /// Lines read so far.
    pub(super) count: u64,
    /// Bytes of the content, breaks included, that lines were made of.
    pub(super) bytes: u64,
}

impl Lines {
    /// Opens a file by what it begins with, whatever its name.
    pub(super) fn open(path: &Path) -> Result<Self, SourceError> {
        let open = |source| SourceError::Open {
            path: path.to_owned(),
            source,
        };
        let mut file = File::open(path).map_err(open)?;
        let mut head = Vec::new();
        (&mut file).take(4).read_to_end(&mut head).map_err(open)?;
        file.seek(SeekFrom::Start(0)).map_err(open)?;
        let file = BufReader::with_capacity(BUFFER_BYTES, file);
        let input: Box<dyn BufRead + Send> = if head.starts_with(&GZIP) {
            Box::new(BufReader::with_capacity(
                BUFFER_BYTES,
                MultiGzDecoder::new(file),
            ))
        } else if head == ZSTD {
            let decoder = zstd::Decoder::with_buffer(file).map_err(open)?;
            Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder))
        } else {
            Box::new(file)
        };
        Ok(Self::new(path, input))
    }

    /// Opens a plain file behind `count` lines of together `bytes` bytes.
    pub(super) fn open_plain_at(path: &Path, count: u64, bytes: u64) -> Result<Self, SourceError> {
        let open = |source| SourceError::Open {
            path: path.to_owned(),
            source,
        };
        let mut file = File::open(path).map_err(open)?;
        let mut head = Vec::new();
        (&mut file).take(4).read_to_end(&mut head).map_err(open)?;
        if head.starts_with(&GZIP) || head == ZSTD {
            return Err(SourceError::CannotFollow {
                path: path.to_owned(),
            });
        }
        file.seek(SeekFrom::Start(bytes)).map_err(open)?;
        let input = Box::new(BufReader::with_capacity(BUFFER_BYTES, file));
        Ok(Self {
            count,
            bytes,
            ..Self::new(path, input)
        })
    }

    fn new(path: &Path, input: Box<dyn BufRead + Send>) -> Self {
        Self {
            path: path.to_owned(),
            input,
            line: Vec::new(),
            count: 0,
            bytes: 0,
        }
    }

    /// The next line that is not empty, without its break, and the number of lines before it; `None`
    /// at the end.
    ///
    /// - `whole`: whether a line without a break is none yet. It is kept, and goes on where more
    ///   of it comes.
    pub(super) fn next(&mut self, whole: bool) -> Result<Option<(u64, &[u8])>, SourceError> {
        while self.read_line(whole)? {
            if !without_break(&self.line).is_empty() {
                return Ok(Some((self.count - 1, without_break(&self.line))));
            }
        }
        Ok(None)
    }

    /// Reads into `line`, which ends with a break then; returns whether there was one.
    fn read_line(&mut self, whole: bool) -> Result<bool, SourceError> {
        if self.line.last() == Some(&b'\n') {
            self.line.clear();
        }
        let room = (LINE_BYTES_MAX + 1).saturating_sub(self.line.len()) as u64;
        let mut part = (&mut self.input).take(room);
        let read = part.read_until(b'\n', &mut self.line);
        read.map_err(|source| self.failed(source))?;
        let broken = self.line.last() == Some(&b'\n');
        if !broken && self.line.len() > LINE_BYTES_MAX {
            return Err(SourceError::LineTooLong {
                path: self.path.clone(),
                line: self.count + 1,
                bytes_max: LINE_BYTES_MAX,
            });
        }
        if !broken && (whole || self.line.is_empty()) {
            return Ok(false);
        }
        self.count += 1;
        self.bytes += self.line.len() as u64;
        if !broken {
            // So that the next call begins anew, as after any other line.
            self.line.push(b'\n');
        }
        Ok(true)
    }

    fn failed(&self, source: io::Error) -> SourceError {
        SourceError::Read {
            path: self.path.clone(),
            line: self.count + 1,
            source,
        }
    }
}

fn without_break(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
