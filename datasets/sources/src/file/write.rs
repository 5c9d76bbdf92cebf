//! Writes files of records in the record form.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use flate2::write::GzEncoder;
use model::{PartitionId, RawRecord};

use crate::SourceError;

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    Plain,
    /// gzip, level 6.
    Gzip,
    /// zstd, level 3.
    Zstd,
}

impl Compression {
    /// What a file's name ends with, e.g. `.jsonl.gz`.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Plain => ".jsonl",
            Self::Gzip => ".jsonl.gz",
            Self::Zstd => ".jsonl.zst",
        }
    }
}

/// A file that records are written to. It is complete after [`finish`](Self::finish) only.
pub struct RecordFile {
    path: PathBuf,
    output: Output,
}

enum Output {
    Plain(BufWriter<File>),
    Gzip(GzEncoder<BufWriter<File>>),
    Zstd(zstd::Encoder<'static, BufWriter<File>>),
}

impl RecordFile {
    /// Makes the file, or empties it.
    pub fn create(path: &Path, compression: Compression) -> Result<Self, SourceError> {
        let create = || -> io::Result<Output> {
            let file = BufWriter::with_capacity(256 << 10, File::create(path)?);
            Ok(match compression {
                Compression::Plain => Output::Plain(file),
                Compression::Gzip => {
                    Output::Gzip(GzEncoder::new(file, flate2::Compression::default()))
                }
                Compression::Zstd => Output::Zstd(zstd::Encoder::new(file, 3)?),
            })
        };
        let output = create().map_err(|source| SourceError::Write {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            path: path.to_owned(),
            output,
        })
    }

    /// Appends a record.
    pub fn write(
        &mut self,
        partition: PartitionId,
        record: RawRecord<'_>,
    ) -> Result<(), SourceError> {
        let output: &mut dyn Write = match &mut self.output {
            Output::Plain(output) => output,
            Output::Gzip(output) => output,
            Output::Zstd(output) => output,
        };
        write_line(output, partition, record).map_err(|source| SourceError::Write {
            path: self.path.clone(),
            source,
        })
    }

    /// Ends the compression and hands everything to the system.
    pub fn finish(self) -> Result<(), SourceError> {
        let finish = |output| -> io::Result<()> {
            match output {
                Output::Plain(mut output) => output.flush(),
                Output::Gzip(output) => output.finish()?.flush(),
                Output::Zstd(output) => output.finish()?.flush(),
            }
        };
        finish(self.output).map_err(|source| SourceError::Write {
            path: self.path,
            source,
        })
    }
}

fn write_line(
    output: &mut dyn Write,
    partition: PartitionId,
    record: RawRecord<'_>,
) -> io::Result<()> {
    write!(
        output,
        r#"{{"topic":"{}","partition":{},"offset":{},"timestamp_millis":{},"#,
        partition.topic, partition.partition, record.offset, record.timestamp_millis.0
    )?;
    if let Some(replays) = record.replays {
        write!(output, r#""replays":{replays},"#)?;
    }
    write_part(output, "key", record.key)?;
    output.write_all(b",")?;
    write_part(output, "value", record.value)?;
    output.write_all(b"}\n")
}

/// As text where it is UTF-8, else as base64.
fn write_part(output: &mut dyn Write, name: &str, part: Option<&[u8]>) -> io::Result<()> {
    let Some(part) = part else {
        return write!(output, r#""{name}":null"#);
    };
    match std::str::from_utf8(part) {
        Ok(text) => {
            write!(output, r#""{name}":"#)?;
            serde_json::to_writer(output, text).map_err(io::Error::from)
        }
        Err(_) => write!(
            output,
            r#""{name}_base64":"{}""#,
            Base64Display::new(part, &STANDARD)
        ),
    }
}
