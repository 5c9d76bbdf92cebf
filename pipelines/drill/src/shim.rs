//! A disk and a clock that can be made to misbehave: a small library that is loaded into the job before
//! all others, and takes its orders from a file that both sides map.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// The library, as `build.rs` made it.
const LIBRARY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/libshim.so"));

/// What the library is told and tells: numbers of 8 bytes, in the order of `shim.c`.
#[derive(Clone, Copy, Debug)]
enum Field {
    ClockOffsetMillis,
    RoomBytes,
    SyncsToGo,
    ClockReads,
    Full,
    SyncsFailed,
}

/// The faults of the operating system under one folder, for every process that is started with them.
#[derive(Debug)]
pub(crate) struct Shim {
    library: PathBuf,
    page: PathBuf,
    orders: File,
    under: PathBuf,
}

impl Shim {
    /// A disk and a clock without faults.
    ///
    /// - `folder`: where the library and the orders are kept.
    /// - `under`: the disk is in trouble under this folder alone.
    pub(crate) fn new(folder: &Path, under: &Path) -> Result<Self> {
        let (library, page) = (folder.join("libshim.so"), folder.join("shim.page"));
        std::fs::write(&library, LIBRARY).context("write the shim's library")?;
        let orders = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&page)
            .context("make the shim's orders")?;
        orders.set_len(4_096)?;
        let shim = Self {
            library,
            page,
            orders,
            under: std::path::absolute(under)?,
        };
        shim.room(None)?;
        shim.fail_sync_after(None)?;
        Ok(shim)
    }

    /// The environment of a process that is to have these faults.
    pub(crate) fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        Vec::from([
            ("LD_PRELOAD", self.library.clone()),
            ("MESOFLOW_SHIM_PAGE", self.page.clone()),
            ("MESOFLOW_SHIM_UNDER", self.under.clone()),
        ])
    }

    /// Sets the clock off by so many milliseconds.
    pub(crate) fn clock(&self, offset_millis: i64) -> Result<()> {
        self.put(Field::ClockOffsetMillis, offset_millis)
    }

    /// Leaves so many bytes of room on the disk; all there is for `None`.
    pub(crate) fn room(&self, bytes: Option<u32>) -> Result<()> {
        self.put(Field::RoomBytes, bytes.map_or(-1, i64::from))
    }

    /// Lets one sync fail, after so many that succeed; `None`: all succeed.
    pub(crate) fn fail_sync_after(&self, syncs: Option<u32>) -> Result<()> {
        self.put(Field::SyncsToGo, syncs.map_or(-1, i64::from))
    }

    /// Times at which a process read the clock that was set off.
    pub(crate) fn clock_reads(&self) -> Result<u64> {
        self.count(Field::ClockReads)
    }

    /// Writes that found no room.
    pub(crate) fn full(&self) -> Result<u64> {
        self.count(Field::Full)
    }

    /// Syncs that failed.
    pub(crate) fn syncs_failed(&self) -> Result<u64> {
        self.count(Field::SyncsFailed)
    }

    fn put(&self, field: Field, value: i64) -> Result<()> {
        let at = field as u64 * 8;
        self.orders
            .write_all_at(&value.to_ne_bytes(), at)
            .with_context(|| format!("order {field:?}"))
    }

    fn count(&self, field: Field) -> Result<u64> {
        let mut bytes = [0; 8];
        self.orders
            .read_exact_at(&mut bytes, field as u64 * 8)
            .with_context(|| format!("read {field:?}"))?;
        Ok(u64::from_ne_bytes(bytes))
    }
}
