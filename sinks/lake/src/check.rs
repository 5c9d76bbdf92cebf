//! Whether a data file is still what was written, byte by byte.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};

use crate::files::{HASH_DIGITS, LiveFile};
use crate::scan;

/// Bytes that are read at once.
const STEP: usize = 256 << 10;

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileDamage {
    /// It is not there.
    Missing,
    /// It has another size than the log says.
    Size {
        /// Its size in bytes.
        bytes: u64,
    },
    /// Its bytes have another hash than its name.
    Altered {
        /// Their hash.
        hash: String,
    },
    /// It cannot be read.
    Unreadable {
        /// Why.
        why: String,
    },
    /// It has another number of rows than the log says.
    Rows {
        /// How many.
        rows: u64,
    },
}

impl FileDamage {
    /// The name in logs, metrics and the log of findings.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Size { .. } => "size",
            Self::Altered { .. } => "altered",
            Self::Unreadable { .. } => "unreadable",
            Self::Rows { .. } => "rows",
        }
    }
}

impl fmt::Display for FileDamage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("no file"),
            Self::Size { bytes } => write!(f, "{bytes} bytes"),
            Self::Altered { hash } => f.write_str(hash),
            Self::Unreadable { why } => f.write_str(why),
            Self::Rows { rows } => write!(f, "{rows} rows"),
        }
    }
}

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checked {
    /// The file is what was written.
    Whole,
    /// It is not.
    Damaged(FileDamage),
    /// The check was broken off.
    BrokenOff,
}

impl LiveFile {
    /// Compares the file with what the log and its name say of it: size, hash of the bytes, rows. A file whose name has
    /// no hash is decoded as a whole instead.
    ///
    /// - `pace`: called with the number of bytes about to be read; it may wait, and breaks the check off by `false`.
    pub fn check(&self, mut pace: impl FnMut(u64) -> bool) -> Checked {
        match self.damage(&mut pace) {
            Ok(checked) => checked,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Checked::Damaged(FileDamage::Missing)
            }
            Err(error) => unreadable(&error),
        }
    }

    fn damage(&self, pace: &mut dyn FnMut(u64) -> bool) -> io::Result<Checked> {
        let mut file = File::open(&self.path)?;
        let bytes = file.metadata()?.len();
        if bytes != self.bytes {
            return Ok(Checked::Damaged(FileDamage::Size { bytes }));
        }
        if let Some(wanted) = self.hash() {
            let mut hasher = blake3::Hasher::new();
            let mut buffer = vec![0; STEP];
            let mut left = bytes;
            loop {
                let step = left.min(STEP as u64);
                left -= step;
                if !pace(step) {
                    return Ok(Checked::BrokenOff);
                }
                match file.read(&mut buffer)? {
                    0 => break,
                    read => hasher.update(&buffer[..read]),
                };
            }
            let hash = hasher.finalize().to_hex()[..HASH_DIGITS].to_owned();
            if hash != wanted {
                return Ok(Checked::Damaged(FileDamage::Altered { hash }));
            }
        }
        self.rows(pace)
    }

    /// Compares the number of rows; of a file without a hash by decoding all of them.
    fn rows(&self, pace: &mut dyn FnMut(u64) -> bool) -> io::Result<Checked> {
        let columns = self.hash().map(|_| Vec::new());
        let reader = match scan::open(&self.path, columns.as_deref()) {
            Ok(reader) => reader,
            Err(error) => return Ok(unreadable(&error)),
        };
        if columns.is_none() && !pace(self.bytes) {
            return Ok(Checked::BrokenOff);
        }
        let mut rows = 0;
        for batch in reader {
            match batch {
                Ok(batch) => rows += batch.num_rows() as u64,
                Err(error) => return Ok(unreadable(&error)),
            }
        }
        Ok(match rows == self.stats.rows {
            true => Checked::Whole,
            false => Checked::Damaged(FileDamage::Rows { rows }),
        })
    }
}

fn unreadable(error: &dyn std::error::Error) -> Checked {
    let mut why = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        why = format!("{why}: {error}");
        cause = error.source();
    }
    Checked::Damaged(FileDamage::Unreadable { why })
}
