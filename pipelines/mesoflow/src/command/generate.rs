//! `mesoflow generate`: input records by a seed, into files.

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::{Args as ClapArgs, ValueEnum};
use serde::Serialize;
use sources::file::Compression;
use sources::generator::{FileSet, Generator, GeneratorConfig, into_files};

use crate::WrongRequest;

/// Generates equipment documents and like toggles: the same for the same numbers, byte for byte.
#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    /// The folder for the files, one a partition; it is made if it is not there.
    folder: PathBuf,
    /// Where all draws begin.
    #[arg(long, default_value_t = GeneratorConfig::default().seed)]
    seed: u64,
    /// Characters that wear equipment and are liked.
    #[arg(long, default_value_t = GeneratorConfig::default().characters)]
    characters: u32,
    /// The first so many characters come as whole documents of about 240 KB.
    #[arg(long, default_value_t = GeneratorConfig::default().documents)]
    documents: u32,
    /// Equipment records.
    #[arg(long, default_value_t = GeneratorConfig::default().equipment)]
    equipment: u64,
    /// Like toggles.
    #[arg(long, default_value_t = GeneratorConfig::default().likes)]
    likes: u64,
    /// Share of records that are broken, in 0..=1.
    #[arg(long, default_value_t = GeneratorConfig::default().broken)]
    broken: f64,
    /// Partitions a topic.
    #[arg(long, default_value_t = GeneratorConfig::default().partitions)]
    partitions: i32,
    /// How the files are compressed.
    #[arg(long, value_enum, default_value = "plain")]
    compression: CompressionArg,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum CompressionArg {
    Plain,
    Gzip,
    Zstd,
}

#[derive(Serialize)]
struct Made {
    files: Vec<PathBuf>,
    records: u64,
    bytes: u64,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let config = GeneratorConfig {
        seed: args.seed,
        characters: args.characters,
        documents: args.documents,
        equipment: args.equipment,
        likes: args.likes,
        broken: args.broken,
        partitions: args.partitions,
        ..GeneratorConfig::default()
    };
    let mut generator =
        Generator::new(config).map_err(|error| anyhow::Error::new(error).context(WrongRequest))?;
    fs::create_dir_all(&args.folder)
        .with_context(|| format!("make the folder {}", args.folder.display()))?;
    let compression = match args.compression {
        CompressionArg::Plain => Compression::Plain,
        CompressionArg::Gzip => Compression::Gzip,
        CompressionArg::Zstd => Compression::Zstd,
    };
    let (files, generated) = into_files(
        &mut generator,
        &args.folder,
        FileSet::Partitions,
        compression,
        None,
    )?;
    let made = Made {
        files,
        records: generated.records,
        bytes: generated.bytes,
    };
    let text = if args.json {
        format!("{}\n", serde_json::to_string_pretty(&made)?)
    } else {
        let files: Vec<String> = made
            .files
            .iter()
            .map(|file| format!("  {}\n", file.display()))
            .collect();
        format!(
            "{} records, {} bytes, in\n{}",
            made.records,
            made.bytes,
            files.concat()
        )
    };
    io::stdout()
        .lock()
        .write_all(text.as_bytes())
        .context("print the files")
}
