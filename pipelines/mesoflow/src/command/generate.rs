//! `mesoflow generate`: input records by a seed, into files.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, anyhow};
use clap::{Args as ClapArgs, ValueEnum};
use serde::Serialize;
use sources::StopFlag;
use sources::file::Compression;
use sources::generator::{FileSet, Generator, GeneratorConfig, into_files_while};

use crate::failure::Failed as _;
use crate::signals;
use crate::terminal::{self, Bar};

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
    let total = config.equipment + config.likes;
    let mut generator = Generator::new(config)
        .advise("see `mesoflow generate --help` for what each number may be")
        .wrong()?;
    fs::create_dir_all(&args.folder)
        .with_context(|| format!("make the folder {}", args.folder.display()))
        .advise("name a folder that can be written")?;
    let compression = match args.compression {
        CompressionArg::Plain => Compression::Plain,
        CompressionArg::Gzip => Compression::Gzip,
        CompressionArg::Zstd => Compression::Zstd,
    };

    let stop = StopFlag::default();
    signals::on_stop({
        let stop = stop.clone();
        move || stop.set()
    })?;
    let mut bar = Bar::new(total, "records");
    let (files, generated) = into_files_while(
        &mut generator,
        &args.folder,
        FileSet::Partitions,
        compression,
        |_, written| {
            bar.set(written.records);
            !stop.is_set()
        },
    )?;
    drop(bar);

    let made = Made {
        files,
        records: generated.records,
        bytes: generated.bytes,
    };
    if args.json {
        terminal::print_json(&made)?;
    } else {
        terminal::print(&listed(&made))?;
    }
    if made.records < total {
        let made = made.records;
        return Err(anyhow!("stopped on request at {made} of {total} records"))
            .advise("the files are whole as far as they go; the same command begins again");
    }
    Ok(())
}

fn listed(made: &Made) -> String {
    let mut text = format!("{} records, {} bytes, in\n", made.records, made.bytes);
    for file in &made.files {
        text += &format!("  {}\n", file.display());
    }
    text
}
