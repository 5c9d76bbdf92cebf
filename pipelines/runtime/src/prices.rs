//! Prices that earlier starts have computed, remembered beside the job.
//!
//! A price is a function of its key, the ruleset and the code, so what is remembered may go, or be written by an
//! older copy of the job, at any time. It is believed if it is whole, of the same ruleset and code, and a sample of it
//! comes out the same when it is computed again; else it is dropped, and computed anew.
//!
//! ```text
//! mesoflow prices 1\n  code length u16  code  ruleset hash [32]  number of prices u64  (key, price) ...  BLAKE3 [32]
//! ```
//! Numbers are little endian, keys and prices in bincode.

mod keep;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use graphs::expectation::Memo;
use model::valued::SharedComponent;
use thiserror::Error;
use valuation::{ComponentValue, Key, Ruleset, RulesetHash, key};

use crate::folder::{FolderError, JobFolder, write_durably};
use crate::status::chain;

pub(crate) use keep::{PriceKeeper, Priced};

const MAGIC: &[u8] = b"mesoflow prices 1\n";
const HASH: usize = 32;
/// Prices that are computed again before a memo is believed.
const SAMPLE: usize = 32;
/// Prices that are remembered, at some 150 bytes each; the generator's catalogue of 20,000 configurations has 20,000.
const PRICES_MAX: usize = 500_000;
/// Rulesets of which prices are remembered.
const RULESETS_MAX: usize = 4;

/// Why a memo of prices is not believed.
#[derive(Debug, Error)]
enum MemoError {
    #[error("it cannot be read")]
    Read(#[from] io::Error),
    #[error("it is none, or of another version of the program")]
    Foreign,
    #[error("it was written by code {found}, this is {own}")]
    Code { found: String, own: String },
    #[error("it is of ruleset {found}")]
    Ruleset { found: RulesetHash },
    #[error("its checksum is wrong")]
    Checksum,
    #[error("its prices cannot be read")]
    Form(#[from] bincode::Error),
    #[error("the price of {key:?} comes out as another one now")]
    Wrong { key: Key },
}

/// Where the prices under one ruleset are remembered.
#[derive(Clone, Debug)]
pub(crate) struct PriceMemo {
    path: PathBuf,
    code: String,
    ruleset: RulesetHash,
}

impl PriceMemo {
    /// The memo of a job.
    ///
    /// - `code`: what prices depend on besides their keys and the ruleset.
    pub(crate) fn new(folder: &JobFolder, code: &str, ruleset: RulesetHash) -> Self {
        Self {
            path: folder.prices(&ruleset.to_string()),
            code: code.to_owned(),
            ruleset,
        }
    }

    /// The prices that are remembered; none if there is no memo, or none that can be believed.
    pub(crate) fn load(&self, rules: &Ruleset) -> Memo {
        let path = self.path.display();
        match self.read().and_then(|prices| sampled(rules, prices)) {
            Ok(memo) => {
                tracing::info!(prices = memo.len(), "remembered prices");
                memo
            }
            Err(MemoError::Read(error)) if error.kind() == io::ErrorKind::NotFound => {
                Memo::default()
            }
            Err(error) => {
                tracing::warn!(
                    "the memo of prices {path} is dropped, prices are computed again: {}",
                    chain(&error)
                );
                Memo::default()
            }
        }
    }

    fn read(&self) -> Result<Vec<(Key, ComponentValue)>, MemoError> {
        let bytes = fs::read(&self.path)?;
        let rest = bytes.strip_prefix(MAGIC).ok_or(MemoError::Foreign)?;
        let (rest, checksum) = rest.split_last_chunk::<HASH>().ok_or(MemoError::Foreign)?;
        let whole = &bytes[..bytes.len() - HASH];
        if blake3::hash(whole).as_bytes() != checksum {
            return Err(MemoError::Checksum);
        }
        let (length, rest) = rest.split_first_chunk().ok_or(MemoError::Foreign)?;
        let length = usize::from(u16::from_le_bytes(*length));
        let (code, rest) = rest.split_at_checked(length).ok_or(MemoError::Foreign)?;
        if code != self.code.as_bytes() {
            return Err(MemoError::Code {
                found: String::from_utf8_lossy(code).into_owned(),
                own: self.code.clone(),
            });
        }
        let (ruleset, rest) = rest.split_first_chunk().ok_or(MemoError::Foreign)?;
        let found = RulesetHash(*ruleset);
        if found != self.ruleset {
            return Err(MemoError::Ruleset { found });
        }
        let (count, mut rest) = rest.split_first_chunk().ok_or(MemoError::Foreign)?;
        let count = usize::try_from(u64::from_le_bytes(*count)).map_err(|_| MemoError::Foreign)?;
        let mut prices = Vec::with_capacity(count.min(PRICES_MAX));
        for _ in 0..count {
            prices.push(bincode::deserialize_from(&mut rest)?);
        }
        Ok(prices)
    }

    /// Writes prices in the place of what was remembered.
    fn write<'a>(
        &self,
        prices: impl ExactSizeIterator<Item = (&'a Key, &'a SharedComponent)>,
    ) -> Result<(), FolderError> {
        let mut bytes = MAGIC.to_vec();
        let length = u16::try_from(self.code.len()).expect("a version of code is a short text");
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(self.code.as_bytes());
        bytes.extend_from_slice(&self.ruleset.0);
        bytes.extend_from_slice(&(prices.len() as u64).to_le_bytes());
        for (key, price) in prices {
            let price: &ComponentValue = price;
            bincode::serialize_into(&mut bytes, &(key, price))
                .expect("keys and prices have a binary form, and memory takes everything");
        }
        let checksum = blake3::hash(&bytes);
        bytes.extend_from_slice(checksum.as_bytes());
        write_durably(&self.path, &bytes)?;
        self.forget_rulesets()
    }

    /// Deletes the memos of all but the newest rulesets.
    fn forget_rulesets(&self) -> Result<(), FolderError> {
        let folder = self.path.parent().expect("a memo stands in a folder");
        let failed = |doing| crate::folder::io_error(doing, folder);
        let mut memos = Vec::new();
        for entry in fs::read_dir(folder).map_err(failed("list"))? {
            let path = entry.map_err(failed("list"))?.path();
            let modified = fs::metadata(&path).and_then(|meta| meta.modified());
            if path.extension().is_some_and(|ending| ending == "memo")
                && let Ok(modified) = modified
            {
                memos.push((modified, path));
            }
        }
        memos.sort();
        memos.reverse();
        let is_own = |path: &Path| path == self.path;
        for (_, path) in memos.iter().skip(RULESETS_MAX) {
            if !is_own(path) {
                fs::remove_file(path).map_err(failed("delete an old memo of prices in"))?;
            }
        }
        Ok(())
    }
}

/// Prices of which a sample, evenly spread, comes out the same.
fn sampled(rules: &Ruleset, prices: Vec<(Key, ComponentValue)>) -> Result<Memo, MemoError> {
    let step = (prices.len() / SAMPLE).max(1);
    for (key, price) in prices.iter().step_by(step) {
        if key::price(rules, key) != *price {
            return Err(MemoError::Wrong { key: key.clone() });
        }
    }
    let shared = |(key, price)| (key, SharedComponent::from(price));
    Ok(prices.into_iter().map(shared).collect())
}

#[cfg(test)]
mod tests;
