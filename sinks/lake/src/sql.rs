//! Ready queries: the content of a relation now, or as of an epoch, for whoever reads the tables.

use std::fmt;
use std::path::Path;

use model::Epoch;
use model::tables::{Kind, Relation, TableSpec};

/// What a query is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// `mesoflow query`: tables go by their names.
    Mesoflow,
    /// DuckDB with its `delta` extension.
    DuckDb,
    /// Python with Polars: an expression that gives a lazy frame.
    Polars,
}

impl Engine {
    /// All engines.
    pub const ALL: [Self; 3] = [Self::Mesoflow, Self::DuckDb, Self::Polars];

    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mesoflow => "mesoflow",
            Self::DuckDb => "duckdb",
            Self::Polars => "polars",
        }
    }

    /// The engine of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|engine| engine.name() == name)
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The query that gives the content of `relation` at `as_of`, or as it stands in the newest version.
///
/// `folder` is the folder of all tables. Only epochs from the retained one on can be told: see
/// [`View::since`](crate::View::since). `None` for a table that is rewritten and so holds one epoch
/// only, when `as_of` is given.
#[must_use]
pub fn sql(
    relation: Relation,
    engine: Engine,
    folder: &Path,
    as_of: Option<Epoch>,
) -> Option<String> {
    let spec = relation.spec();
    if spec.kind == Kind::Now && as_of.is_some() {
        return None;
    }
    let path = folder.join(spec.name());
    Some(match engine {
        Engine::Mesoflow => in_sql(spec, &quoted(spec.name()), as_of),
        Engine::DuckDb => {
            let path = path.to_string_lossy().replace('\'', "''");
            in_sql(spec, &format!("delta_scan('{path}')"), as_of)
        }
        Engine::Polars => in_polars(spec, &path, as_of),
    })
}

/// The columns that a content shows: all but those that only say how it came about.
#[must_use]
pub fn content_columns(spec: &TableSpec) -> Vec<&str> {
    let columns = spec.columns.iter().map(|column| column.name.as_str());
    match spec.kind {
        Kind::Changes => columns
            .filter(|&name| name != "epoch" && name != "diff")
            .collect(),
        Kind::Input => columns.filter(|&name| name != "diff").collect(),
        Kind::Log | Kind::Now => columns.collect(),
    }
}

fn quoted(name: &str) -> String {
    // Of our names only these are words of SQL.
    match name {
        "partition" | "key" | "value" | "read" | "kind" | "position" | "level" => {
            format!("\"{name}\"")
        }
        plain => plain.to_owned(),
    }
}

fn in_sql(spec: &TableSpec, table: &str, as_of: Option<Epoch>) -> String {
    let columns: Vec<String> = content_columns(spec).into_iter().map(quoted).collect();
    let columns = columns.join(", ");
    let up_to = as_of.map(|epoch| format!("epoch <= {epoch}"));
    match spec.kind {
        Kind::Changes => {
            let filter = up_to.map_or(String::new(), |up_to| format!("\nWHERE {up_to}"));
            format!(
                "SELECT {columns}\nFROM {table}{filter}\nGROUP BY {columns}\nHAVING sum(diff) <> 0"
            )
        }
        Kind::Input => {
            let filter = up_to.map_or(String::new(), |up_to| format!(" AND {up_to}"));
            format!(
                "SELECT {columns}\nFROM (\n  SELECT *, row_number() OVER (PARTITION BY \"partition\", \"key\" ORDER BY epoch DESC, record_offset DESC) AS newness\n  FROM {table}\n  WHERE \"kind\" = 'row'{filter}\n) AS rows_by_age\nWHERE newness = 1 AND diff > 0"
            )
        }
        Kind::Log => {
            let filter = up_to.map_or(String::new(), |up_to| format!("\nWHERE {up_to}"));
            format!("SELECT {columns}\nFROM {table}{filter}")
        }
        Kind::Now => format!("SELECT {columns}\nFROM {table}"),
    }
}

fn in_polars(spec: &TableSpec, path: &Path, as_of: Option<Epoch>) -> String {
    let list = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
        format!("[{}]", names.join(", "))
    };
    let columns = content_columns(spec);
    let mut query = format!("pl.scan_delta({:?})", path.to_string_lossy());
    if let Some(epoch) = as_of {
        query += &format!("\n  .filter(pl.col(\"epoch\") <= {epoch})");
    }
    query += &match spec.kind {
        Kind::Changes => format!(
            "\n  .group_by({})\n  .agg(pl.col(\"diff\").sum())\n  .filter(pl.col(\"diff\") != 0)",
            list(&columns)
        ),
        Kind::Input => "\n  .filter(pl.col(\"kind\") == \"row\")\n  .sort(\"epoch\", \"record_offset\")\n  .group_by(\"partition\", \"key\")\n  .last()\n  .filter(pl.col(\"diff\") > 0)"
            .to_owned(),
        Kind::Log | Kind::Now => String::new(),
    };
    query += &format!("\n  .select({})", list(&columns));
    format!("({query})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_summed_by_their_whole_row() {
        let folder = Path::new("/tables");
        let query = sql(Relation::LikeCounts, Engine::DuckDb, folder, Some(Epoch(7))).unwrap();
        assert_eq!(
            query,
            "SELECT target_ocid, likes\nFROM delta_scan('/tables/like_counts')\nWHERE epoch <= 7\nGROUP BY target_ocid, likes\nHAVING sum(diff) <> 0"
        );
    }

    #[test]
    fn every_relation_has_a_query_of_what_stands_now() {
        for relation in Relation::ALL {
            for engine in Engine::ALL {
                assert!(sql(relation, engine, Path::new("/tables"), None).is_some());
            }
        }
    }

    #[test]
    fn a_rewritten_table_has_no_past() {
        let query = sql(
            Relation::CharactersNow,
            Engine::Mesoflow,
            Path::new("/tables"),
            Some(Epoch(1)),
        );
        assert_eq!(query, None);
    }
}
