//! `mesoflow tables`: which tables are there, what do they hold, and how are they asked?

use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, Result, anyhow};
use clap::{Args as ClapArgs, Subcommand};
use comfy_table::{Table, presets};
use lake::Lake;
use lake::sql::{Engine, sql};
use model::Epoch;
use model::tables::Relation;
use serde::Serialize;

use crate::WrongRequest;

/// Lists the tables of a job, describes one, or prints ready queries for it.
#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    /// The folder of the tables: `tables` in the folder of the job.
    #[arg(long, default_value = "mesoflow-data/tables", global = true)]
    folder: PathBuf,
    /// Prints JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    ask: Option<Ask>,
}

#[derive(Debug, Subcommand)]
enum Ask {
    /// Lists the tables and how far they are. The default.
    List,
    /// Describes the columns of a table.
    Show {
        /// Name of the table.
        name: String,
    },
    /// Prints the query for the content of a table, as it stands or as of an epoch.
    Sql {
        /// Name of the table.
        name: String,
        /// `mesoflow`, `duckdb` or `polars`.
        #[arg(long, default_value = "mesoflow")]
        engine: String,
        /// The epoch; without it the newest one.
        #[arg(long)]
        as_of: Option<u64>,
    },
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let text = match args.ask.as_ref().unwrap_or(&Ask::List) {
        Ask::List => list(args)?,
        Ask::Show { name } => show(relation(name)?, args.json)?,
        Ask::Sql {
            name,
            engine,
            as_of,
        } => query(args, relation(name)?, engine, as_of.map(Epoch))?,
    };
    io::stdout()
        .lock()
        .write_all(text.as_bytes())
        .context("print the tables")
}

fn relation(name: &str) -> Result<Relation> {
    Relation::from_name(name).ok_or_else(|| {
        let known: Vec<&str> = Relation::ALL
            .iter()
            .map(|relation| relation.name())
            .collect();
        anyhow!(
            "there is no table {name:?}; the tables are {}",
            known.join(", ")
        )
        .context(WrongRequest)
    })
}

#[derive(Serialize)]
struct Listed {
    name: &'static str,
    holds: &'static str,
    exists: bool,
    as_of: Option<u64>,
    since: Option<u64>,
    files: usize,
    bytes: u64,
}

fn list(args: &Args) -> Result<String> {
    if !args.folder.is_dir() {
        let problem = anyhow!(
            "there are no tables in {}; name the `tables` folder of a job with --folder",
            args.folder.display()
        );
        return Err(problem.context(WrongRequest));
    }
    let lake = Lake::open(&args.folder)?;
    let mut listed = Vec::new();
    for relation in Relation::ALL {
        let view = lake.view(relation)?;
        let files = view
            .as_ref()
            .map(|view| view.files())
            .transpose()?
            .unwrap_or_default();
        listed.push(Listed {
            name: relation.name(),
            holds: relation.spec().doc,
            exists: view.is_some(),
            as_of: view
                .as_ref()
                .and_then(|view| view.committed())
                .map(|epoch| epoch.0),
            since: view
                .as_ref()
                .and_then(|view| view.since())
                .map(|epoch| epoch.0),
            bytes: files.iter().map(|file| file.bytes).sum(),
            files: files.len(),
        });
    }
    if args.json {
        return Ok(format!("{}\n", serde_json::to_string_pretty(&listed)?));
    }
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_BORDERS_ONLY)
        .set_header(["table", "as of", "since", "files", "bytes", "holds"]);
    let epoch =
        |epoch: Option<u64>| epoch.map_or_else(|| "-".to_owned(), |epoch| epoch.to_string());
    for row in listed.iter().filter(|row| row.exists) {
        table.add_row([
            row.name.to_owned(),
            epoch(row.as_of),
            epoch(row.since),
            row.files.to_string(),
            row.bytes.to_string(),
            row.holds.to_owned(),
        ]);
    }
    Ok(format!("{table}\n"))
}

#[derive(Serialize)]
struct Described<'a> {
    name: &'a str,
    data_type: String,
    nullable: bool,
    doc: &'a str,
}

fn show(relation: Relation, json: bool) -> Result<String> {
    let spec = relation.spec();
    let columns: Vec<Described> = spec
        .columns
        .iter()
        .map(|column| Described {
            name: &column.name,
            data_type: column.data_type.to_string(),
            nullable: column.nullable,
            doc: &column.doc,
        })
        .collect();
    if json {
        return Ok(format!("{}\n", serde_json::to_string_pretty(&columns)?));
    }
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_BORDERS_ONLY)
        .set_header(["column", "type", "null", "says"]);
    for column in &columns {
        let null = if column.nullable { "yes" } else { "" };
        table.add_row([column.name, &column.data_type, null, column.doc]);
    }
    Ok(format!("{}: {}\n{table}\n", spec.name(), spec.doc))
}

fn query(args: &Args, relation: Relation, engine: &str, as_of: Option<Epoch>) -> Result<String> {
    let engine = Engine::from_name(engine).ok_or_else(|| {
        let known = Engine::ALL.map(Engine::name).join(", ");
        anyhow!("there is no engine {engine:?}; the engines are {known}").context(WrongRequest)
    })?;
    let folder = std::path::absolute(&args.folder).context("find the folder of the tables")?;
    let text = sql(relation, engine, &folder, as_of).ok_or_else(|| {
        anyhow!("{relation} holds only what is now; without --as-of it can be asked")
            .context(WrongRequest)
    })?;
    if args.json {
        return Ok(format!(
            "{}\n",
            serde_json::json!({ "table": relation.name(), "query": text })
        ));
    }
    Ok(format!("{text}\n"))
}
