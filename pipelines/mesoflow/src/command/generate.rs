//! `mesoflow generate`: input records by a seed, into files or topics.

mod mix;
mod topics;

use std::fs;
use std::path::{Path, PathBuf};

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
///
/// They go into files, or into the topics of a Kafka broker with the partitions that their keys belong to.
#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    /// The folder for the files, one a partition; it is made if it is not there.
    #[arg(required_unless_present = "kafka", conflicts_with = "kafka")]
    folder: Option<PathBuf>,
    #[command(flatten)]
    kafka: topics::KafkaArgs,
    /// Where all draws begin.
    #[arg(long, default_value_t = GeneratorConfig::default().seed)]
    seed: u64,
    /// Characters that wear equipment and are liked.
    #[arg(long, default_value_t = GeneratorConfig::default().characters)]
    characters: u32,
    /// The first so many characters come as whole documents of about 240 KB.
    #[arg(long, default_value_t = GeneratorConfig::default().documents)]
    documents: u32,
    /// Accounts that like characters.
    #[arg(long, default_value_t = GeneratorConfig::default().accounts)]
    accounts: u32,
    /// Equipment records.
    #[arg(long, default_value_t = GeneratorConfig::default().equipment)]
    equipment: u64,
    /// Like toggles.
    #[arg(long, default_value_t = GeneratorConfig::default().likes)]
    likes: u64,
    /// Partitions a topic. Default: 3, or as many as the topics have that are there.
    #[arg(long)]
    partitions: Option<i32>,
    /// How the files are compressed.
    #[arg(long, value_enum, default_value = "plain", conflicts_with = "kafka")]
    compression: CompressionArg,
    #[command(flatten)]
    mix: mix::MixArgs,
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

impl Args {
    fn config(&self) -> GeneratorConfig {
        let usual = self.mix.config();
        GeneratorConfig {
            seed: self.seed,
            characters: self.characters,
            documents: self.documents,
            equipment: self.equipment,
            accounts: self.accounts,
            likes: self.likes,
            partitions: self.partitions.unwrap_or(usual.partitions),
            ..usual
        }
    }
}

pub(crate) fn run(args: &Args, json: bool) -> Result<()> {
    match &args.folder {
        Some(folder) => into_folder(args, folder, json),
        None => topics::fill(args, json),
    }
}

fn generator(config: GeneratorConfig) -> Result<Generator> {
    Generator::new(config)
        .advise("see `mesoflow generate --help` for what each number may be")
        .wrong()
}

/// Set by the first signal.
fn stop_flag() -> Result<StopFlag> {
    let stop = StopFlag::default();
    signals::on_stop({
        let stop = stop.clone();
        move || stop.set()
    })?;
    Ok(stop)
}

fn into_folder(args: &Args, folder: &Path, json: bool) -> Result<()> {
    let config = args.config();
    let total = config.equipment + config.likes;
    let mut generator = generator(config)?;
    fs::create_dir_all(folder)
        .with_context(|| format!("make the folder {}", folder.display()))
        .advise("name a folder that can be written")?;
    let compression = match args.compression {
        CompressionArg::Plain => Compression::Plain,
        CompressionArg::Gzip => Compression::Gzip,
        CompressionArg::Zstd => Compression::Zstd,
    };

    let stop = stop_flag()?;
    let mut bar = Bar::new(total, "records");
    let (files, generated) = into_files_while(
        &mut generator,
        folder,
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
    if json {
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
