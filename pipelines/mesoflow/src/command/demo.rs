//! `mesoflow demo`: the main job on one machine, with nothing else installed.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use clap::Args as ClapArgs;
use runtime::{Handle, Job, JobError, Report, Until};
use serde::Serialize;
use sources::file::Compression;
use sources::generator::{
    FileSet, Generator, GeneratorConfig, Names, Oracle, Outcomes, into_files,
};
use valuation::{money_text, totals};
use views::{SqliteStore, ViewReader};

use crate::command::run::explained;
use crate::failure::Failed as _;
use crate::table::Table;
use crate::terminal::{self, Bar, Stream};
use crate::{accounting, job, signals};

/// Characters whose values are shown.
const SHOWN: u32 = 8;
/// How often they are.
const PERIOD: Duration = Duration::from_millis(500);

/// Generates equipment and likes, runs the job over them, and shows the values while they come.
///
/// Everything is in one folder: input files, views (SQLite) and tables (Delta). Run again, it goes on where
/// it was: there is nothing left to read.
#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    /// The folder of the demo's job; `get`, `tables`, `explain` and `query` look there when no job is named.
    #[arg(long, default_value = "mesoflow-data")]
    folder: PathBuf,
    /// Characters; the first 20 come as whole documents of about 240 KB.
    #[arg(long, default_value_t = 2_000)]
    characters: u32,
    /// Like toggles.
    #[arg(long, default_value_t = 100_000)]
    likes: u64,
}

/// A character as the demo shows it.
#[derive(Serialize)]
struct Shown {
    ocid: String,
    class: String,
    /// Cost of the three presets in mesos.
    cost_mesos: [i128; 3],
    preset: u8,
    likes: i64,
}

pub(crate) fn run(args: &Args, json: bool) -> Result<()> {
    let Input {
        files,
        generator,
        oracle,
    } = generate(args)?;
    let names = generator.names();
    let mut demo = Job::default();
    demo.folder.clone_from(&args.folder);
    demo.source.kind = runtime::config::SourceKind::Files;
    demo.source.paths = files;
    let handle = Handle::default();
    signals::on_stop({
        let handle = handle.clone();
        move || handle.stop()
    })?;
    let started = Instant::now();
    let running = start(&demo, &handle)?;
    let mut screen = Screen::new(!json);
    while !running.is_finished() {
        thread::sleep(PERIOD);
        let report = handle.status().report();
        screen.draw(&page(&report, &values(&demo, names), started))?;
    }
    let done = running.join().map_err(|_| anyhow!("the job panicked"))?;
    explained(done, &demo)?;
    let report = handle.status().report();
    let values = values(&demo, names);
    if json {
        return terminal::print_json(
            &serde_json::json!({ "characters": values, "report": report }),
        );
    }
    screen.draw(&page(&report, &values, started))?;
    screen.finish()?;
    if handle.is_stopping() {
        terminal::print("Stopped on request: the same command goes on from here.\n")?;
        return Ok(());
    }
    if report.counts().read() > 0 {
        terminal::print(&accounting::table(&report))?;
        let generated = oracle.outcomes().values().map(Outcomes::read);
        if report.counts().read() == generated.sum::<u64>() {
            check(&demo, &generator, &oracle)?;
        }
    } else {
        terminal::print(
            "Everything was read before: these are the values as the last run left them.\n",
        )?;
    }
    terminal::print(&where_next(args, &values))
}

/// What the job reads, and what the generator's own model says of it.
struct Input {
    files: Vec<PathBuf>,
    generator: Generator,
    oracle: Oracle,
}

/// Writes the input files, the same for the same numbers.
fn generate(args: &Args) -> Result<Input> {
    let config = GeneratorConfig {
        characters: args.characters,
        documents: args.characters.min(20),
        equipment: u64::from(args.characters) * 2,
        likes: args.likes,
        ..GeneratorConfig::default()
    };
    let folder = args.folder.join("input");
    fs::create_dir_all(&folder)
        .with_context(|| format!("make the folder {}", folder.display()))
        .advise("name a folder that can be written with --folder")?;
    keep_numbers(args, &folder)?;
    let mut generator = Generator::new(config)
        .advise("see `mesoflow demo --help` for what the numbers may be")
        .wrong()?;
    let waiting = terminal::spinner("generating input");
    let mut oracle = Oracle::new(86_400_000);
    let (files, _) = into_files(
        &mut generator,
        &folder,
        FileSet::Partitions,
        Compression::Zstd,
        Some(&mut oracle),
    )?;
    waiting.finish_and_clear();
    Ok(Input {
        files,
        generator,
        oracle,
    })
}

/// Keeps the numbers beside the input: input of other numbers is other input, which a folder that has read
/// some already must not get.
fn keep_numbers(args: &Args, folder: &Path) -> Result<()> {
    let file = folder.join("numbers");
    let numbers = format!("--characters {} --likes {}", args.characters, args.likes);
    let kept = match fs::read_to_string(&file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        kept => Some(kept.with_context(|| format!("read {}", file.display()))?),
    };
    match kept {
        Some(kept) if kept != numbers => Err(anyhow!(
            "{} holds a demo made with {kept}",
            args.folder.display()
        ))
        .advise("use the same numbers, another --folder, or delete the folder")
        .wrong(),
        Some(_) => Ok(()),
        None => fs::write(&file, numbers).with_context(|| format!("write {}", file.display())),
    }
}

fn start(demo: &Job, handle: &Handle) -> Result<JoinHandle<Result<(), JobError>>> {
    let (demo, handle) = (demo.clone(), handle.clone());
    thread::Builder::new()
        .name("job".to_owned())
        .spawn(move || runtime::run(&demo, Until::End, &handle))
        .context("start the job")
}

/// The values as readers of the views see them now; none as long as there are no views.
fn values(demo: &Job, names: Names) -> Vec<Shown> {
    let Ok(mut reader) = SqliteStore::open_read_only(&job::views_file(demo)) else {
        return Vec::new();
    };
    (0..SHOWN)
        .filter_map(|character| {
            let ocid = names.ocid(character);
            let view = reader.character(&ocid).ok()?.value?.payload;
            let likes = reader
                .likes(&ocid)
                .ok()?
                .value
                .map_or(0, |value| value.payload);
            Some(Shown {
                ocid,
                class: view.class,
                cost_mesos: view.presets.map(|preset| preset.cost_mesos.0),
                preset: view.preset,
                likes,
            })
        })
        .collect()
}

/// Compares what the views say with the generator's own model: likes by its count, equipment by pricing what
/// it says is worn, item by item.
fn check(demo: &Job, generator: &Generator, oracle: &Oracle) -> Result<()> {
    let mut reader = SqliteStore::open_read_only(&job::views_file(demo))?;
    let names = generator.names();
    for (&target, &count) in oracle.likes() {
        let found = reader
            .likes(&names.ocid(target))?
            .value
            .map_or(0, |value| value.payload);
        if found != count.cast_signed() {
            let target = names.ocid(target);
            return Err(anyhow!(
                "the views say {found} likes of {target}, the generator {count}"
            ));
        }
    }
    let rules = runtime::load_rules(&demo.ruleset)?;
    let worn = oracle.worn();
    let mut bar = Bar::new(worn.len() as u64, "characters compared");
    for (compared, (&character, &revision)) in (1..).zip(worn) {
        let outfit = generator.outfit(character, revision);
        let wanted = totals::character_value(&rules, outfit.class, &outfit.presets);
        let wanted = wanted.presets.map(|(total, _)| total.cost_mesos);
        let ocid = names.ocid(character);
        let found = reader.character(&ocid)?.value;
        let found = found.map(|value| value.payload.presets.map(|preset| preset.cost_mesos));
        if found != Some(wanted) {
            return Err(anyhow!(
                "the views say {found:?} of {ocid}, the generator's model {wanted:?}"
            ));
        }
        bar.set(compared);
    }
    drop(bar);
    let text = format!(
        "Checked against the generator's own model: the likes of {} characters, and what the equipment of {} costs.\n",
        oracle.likes().len(),
        worn.len()
    );
    terminal::print(&terminal::coloured(terminal::Colour::Good, text))
}

fn page(report: &Report, values: &[Shown], started: Instant) -> String {
    let names = [
        "character",
        "class",
        "preset 1",
        "preset 2",
        "preset 3",
        "counts",
        "likes",
    ];
    let mut table = Table::new(names).right(2..).spare(&[1, 5]);
    for shown in values {
        let money = shown
            .cost_mesos
            .map(|mesos| money_text::short(Some(valuation::Meso(mesos))));
        let [one, two, three] = money;
        table.add_row([
            shown.ocid.clone(),
            shown.class.clone(),
            one,
            two,
            three,
            shown.preset.to_string(),
            shown.likes.to_string(),
        ]);
    }
    let as_of = report
        .views_as_of
        .map_or_else(|| "-".to_owned(), |epoch| epoch.to_string());
    let mut text =
        format!("Expected cost in mesos of rebuilding what each character wears\n{table}\n");
    writeln!(
        text,
        "{:?}, {:.1} s: {} records read in {} epochs, views as of {as_of}",
        report.phase,
        started.elapsed().as_secs_f64(),
        report.counts().read(),
        report.epochs,
    )
    .expect("a text takes everything");
    text
}

fn where_next(args: &Args, values: &[Shown]) -> String {
    let ocid = values.first().map_or("OCID", |shown| shown.ocid.as_str());
    let program = std::env::args()
        .next()
        .unwrap_or_else(|| "mesoflow".to_owned());
    let job = if args.folder == Path::new("mesoflow-data") {
        String::new()
    } else {
        format!(
            "   (give a job file with folder = {:?} by --job)\n",
            args.folder
        )
    };
    format!(
        "\nWhere to look next:\n{job}\
         \x20 {program} get character {ocid}   a value with its breakdown\n\
         \x20 {program} explain {ocid}         which event, tables and rules gave it\n\
         \x20 {program} tables                 the Delta tables; `tables sql NAME` for DuckDB and Polars\n\
         \x20 {program} run JOB.toml           the same job over your Kafka topics\n"
    )
}

/// What is drawn over again on a terminal, and once at the end elsewhere.
struct Screen {
    live: bool,
    wanted: bool,
    lines: usize,
    last: String,
}

impl Screen {
    fn new(wanted: bool) -> Self {
        Self {
            live: wanted && terminal::is_terminal(Stream::Output),
            wanted,
            lines: 0,
            last: String::new(),
        }
    }

    fn draw(&mut self, text: &str) -> Result<()> {
        if !self.live {
            text.clone_into(&mut self.last);
            return Ok(());
        }
        let up = if self.lines > 0 {
            format!("\x1b[{}A\x1b[J", self.lines)
        } else {
            String::new()
        };
        self.lines = text.lines().count();
        terminal::print(&format!("{up}{text}"))
    }

    /// Shows the last page where none was drawn.
    fn finish(self) -> Result<()> {
        if self.wanted && !self.live {
            terminal::print(&self.last)
        } else {
            Ok(())
        }
    }
}
