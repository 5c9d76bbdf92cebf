//! Which tables there are, and what they are called in SQL.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use datafusion::common::DataFusionError;
use datafusion::logical_expr::{col, lit};
use datafusion::prelude::SessionContext;
use lake::Lake;
use lake::sql::{Engine, sql};
use model::Epoch;
use model::tables::{Kind, Relation};

use crate::WrongRequest;
use crate::files::TableFiles;
use crate::session::Asked;

/// The ending of the name of a content as it stands.
const NOW: &str = "_now";

/// The tables of a job.
pub(crate) struct Tables {
    folder: PathBuf,
    lake: Lake,
    present: BTreeSet<Relation>,
    as_of: Option<Epoch>,
}

/// What a name in SQL stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// The table of that name.
    Table(Relation),
    /// The content of a table that holds changes.
    Content(Relation),
}

/// Tables that have been opened, to be given to the engine.
pub(crate) struct Sources {
    tables: Vec<(Relation, TableFiles)>,
    contents: Vec<Relation>,
}

impl Tables {
    /// Looks which tables there are in `folder`; nothing is made there.
    pub(crate) fn find(folder: &Path, as_of: Option<Epoch>) -> Result<Self> {
        let none = || {
            anyhow!(
                "there are no tables in {}; name the folder of a job with --folder",
                folder.display()
            )
            .context(WrongRequest)
        };
        if !folder.is_dir() {
            return Err(none());
        }
        let lake = Lake::open(folder)?;
        let is_there = |relation: &Relation| lake.folder_of(*relation).join("_delta_log").is_dir();
        let present: BTreeSet<Relation> = Relation::ALL.into_iter().filter(is_there).collect();
        if present.is_empty() {
            return Err(none());
        }
        Ok(Self {
            folder: folder.to_owned(),
            lake,
            present,
            as_of,
        })
    }

    /// What `name` stands for. A table of that name goes before a content; what a rewritten table
    /// held in the past is not known.
    fn meaning(&self, name: &str) -> Option<Meaning> {
        let table = Relation::from_name(name).filter(|relation| self.is_askable(*relation));
        let content = || {
            let relation = Relation::from_name(name.strip_suffix(NOW)?)?;
            let has_changes = relation.spec().kind != Kind::Now;
            (has_changes && self.is_askable(relation)).then_some(Meaning::Content(relation))
        };
        table.map(Meaning::Table).or_else(content)
    }

    fn is_askable(&self, relation: Relation) -> bool {
        let has_past = relation.spec().kind != Kind::Now;
        self.present.contains(&relation) && (has_past || self.as_of.is_none())
    }

    /// All names that stand for something.
    fn names(&self) -> BTreeSet<String> {
        let own = Relation::ALL.map(|relation| relation.name().to_owned());
        let contents = Relation::ALL.map(|relation| format!("{relation}{NOW}"));
        own.into_iter()
            .chain(contents)
            .filter(|name| self.meaning(name).is_some())
            .collect()
    }

    /// Opens what a statement asks for. Must not be called inside a runtime.
    ///
    /// - `note`: is told what is not sealed yet.
    pub(crate) fn open(&self, asked: &Asked, note: &dyn Fn(&str)) -> Result<Sources> {
        let all;
        let names = match asked {
            Asked::Names(names) => names,
            Asked::Everything => {
                all = self.names();
                &all
            }
        };
        let mut wanted = BTreeSet::new();
        let mut contents = Vec::new();
        for name in names {
            match self.meaning(name) {
                Some(Meaning::Table(relation)) => {
                    wanted.insert(relation);
                }
                Some(Meaning::Content(relation)) => {
                    wanted.insert(relation);
                    contents.push(relation);
                }
                None => return Err(self.unknown(name)),
            }
        }
        let mut tables = Vec::new();
        for relation in wanted {
            let view = self
                .lake
                .view(relation)?
                .with_context(|| format!("table {relation} has a folder and no version"))?;
            if let Some(as_of) = self.as_of {
                check(relation, as_of, view.since(), view.committed(), note)?;
            }
            tables.push((relation, TableFiles::list(&view)?));
        }
        Ok(Sources { tables, contents })
    }

    fn unknown(&self, name: &str) -> anyhow::Error {
        let names: Vec<String> = self.names().into_iter().collect();
        let rewritten = Relation::from_name(name)
            .filter(|relation| relation.spec().kind == Kind::Now && self.as_of.is_some());
        let problem = match rewritten {
            Some(relation) => format!("{relation} holds only what is now, not what was"),
            None => format!("there is no table {name:?} in {}", self.folder.display()),
        };
        anyhow!("{problem}; there are {}", names.join(", ")).context(WrongRequest)
    }

    /// Gives the engine what has been opened.
    pub(crate) async fn register(
        &self,
        session: &SessionContext,
        sources: Sources,
    ) -> Result<(), DataFusionError> {
        for (relation, files) in sources.tables {
            let files = Arc::new(files);
            if let Some(as_of) = self.as_of {
                let until = col(relation.spec().epoch_column()).lt_eq(lit(as_of.0.cast_signed()));
                let view = session.read_table(files)?.filter(until)?.into_view();
                session.register_table(relation.name(), view)?;
            } else {
                session.register_table(relation.name(), files)?;
            }
        }
        for relation in sources.contents {
            // Its table already ends at the epoch asked for.
            let query = sql(relation, Engine::Mesoflow, &self.folder, None)
                .expect("every relation has a query of what stands now");
            let view = session.sql(&query).await?.into_view();
            session.register_table(format!("{relation}{NOW}"), view)?;
        }
        Ok(())
    }
}

/// Refuses an epoch whose content the table can no longer tell; says when it cannot tell it yet.
fn check(
    relation: Relation,
    as_of: Epoch,
    since: Option<Epoch>,
    committed: Option<Epoch>,
    note: &dyn Fn(&str),
) -> Result<()> {
    if let Some(since) = since.filter(|since| as_of < *since) {
        let problem =
            anyhow!("{relation} keeps its past from epoch {since} on: epoch {as_of} is gone");
        return Err(problem.context(WrongRequest));
    }
    match committed {
        Some(committed) if as_of <= committed => {}
        Some(committed) => note(&format!(
            "{relation} is sealed through epoch {committed}; rows may still come before {as_of}"
        )),
        None => note(&format!("nothing of {relation} is sealed yet")),
    }
    Ok(())
}
