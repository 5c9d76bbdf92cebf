//! `mesoflow tables`: which tables are there, what do they hold, and how are they asked?

use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use clap::{Args as ClapArgs, Subcommand};
use lake::Lake;
use lake::sql::{Engine, sql};
use model::Epoch;
use model::tables::Relation;
use serde::Serialize;

use crate::failure::Failed as _;
use crate::job::{TablesArg, must_be_there};
use crate::table::Table;
use crate::terminal;

/// Lists the tables of a job, describes one, or prints ready queries for it.
#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    #[command(flatten)]
    of: TablesArg,
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

pub(crate) fn run(args: &Args, json: bool) -> Result<()> {
    let folder = args.of.folder()?;
    match args.ask.as_ref().unwrap_or(&Ask::List) {
        Ask::List => list(&folder, json),
        Ask::Show { name } => show(relation(name)?, json),
        Ask::Sql {
            name,
            engine,
            as_of,
        } => {
            let text = query(&folder, relation(name)?, engine, as_of.map(Epoch))?;
            text.tell(json)
        }
    }
}

fn relation(name: &str) -> Result<Relation> {
    let known = Relation::ALL.map(Relation::name).join(", ");
    Relation::from_name(name)
        .with_context(|| format!("there is no table {name:?}"))
        .advise(format!("name one of {known}"))
        .wrong()
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

fn list(folder: &Path, json: bool) -> Result<()> {
    must_be_there(folder)?;
    let lake = Lake::open(folder)?;
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
    if json {
        return terminal::print_json(&listed);
    }
    let names = ["table", "as of", "since", "files", "bytes", "holds"];
    let mut table = Table::new(names).right(1..5).prose(5);
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
    terminal::print(&format!("{table}\n"))
}

#[derive(Serialize)]
struct Described<'a> {
    name: &'a str,
    data_type: String,
    nullable: bool,
    doc: &'a str,
}

fn show(relation: Relation, json: bool) -> Result<()> {
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
        return terminal::print_json(&columns);
    }
    let mut table = Table::new(["column", "type", "null", "says"]).prose(3);
    for column in &columns {
        let null = if column.nullable { "yes" } else { "" };
        table.add_row([column.name, &column.data_type, null, column.doc]);
    }
    terminal::print(&format!("{}: {}\n{table}\n", spec.name(), spec.doc))
}

#[derive(Serialize)]
struct Query {
    table: &'static str,
    engine: &'static str,
    as_of: Option<u64>,
    query: String,
}

impl Query {
    fn tell(&self, json: bool) -> Result<()> {
        if json {
            return terminal::print_json(self);
        }
        terminal::print(&format!("{}\n", self.query))
    }
}

fn query(folder: &Path, relation: Relation, engine: &str, as_of: Option<Epoch>) -> Result<Query> {
    let known = Engine::ALL.map(Engine::name).join(", ");
    let engine = Engine::from_name(engine)
        .with_context(|| format!("there is no engine {engine:?}"))
        .advise(format!("name one of {known}"))
        .wrong()?;
    let folder = std::path::absolute(folder).context("find the folder of the tables")?;
    let query = sql(relation, engine, &folder, as_of)
        .with_context(|| format!("{relation} holds only what is now"))
        .advise("leave --as-of out")
        .wrong()?;
    if let Some(as_of) = as_of {
        must_be_kept(&folder, relation, as_of)?;
    }
    Ok(Query {
        table: relation.name(),
        engine: engine.name(),
        as_of: as_of.map(|epoch| epoch.0),
        query,
    })
}

/// Refuses an epoch whose content the table, if it is there, can no longer tell: the query would give a wrong answer.
fn must_be_kept(folder: &Path, relation: Relation, as_of: Epoch) -> Result<()> {
    // Opening a lake makes its folder.
    if !folder.is_dir() {
        return Ok(());
    }
    let view = Lake::open(folder)?.view(relation)?;
    match view.and_then(|view| view.since()) {
        Some(since) if as_of < since => Err(anyhow!(
            "{relation} keeps its past from epoch {since} on: epoch {as_of} is gone"
        ))
        .advise(format!("name an epoch from {since} on"))
        .wrong(),
        Some(_) | None => Ok(()),
    }
}
