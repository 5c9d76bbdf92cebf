//! The SQL engine: bounded memory, reading only.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::common::{DataFusionError, Result, TableReference};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::col;
use datafusion::prelude::{SQLOptions, SessionConfig, SessionContext};
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::Statement as SqlStatement;

/// The tables that a statement names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// These; functions in the place of tables are not among them.
    Names(BTreeSet<String>),
    /// What there is, as `SHOW TABLES` asks.
    Everything,
}

/// An engine without tables that holds at most `memory_mb` megabytes of rows for sorts, joins and
/// groups.
pub(crate) fn start(memory_mb: u32) -> Result<SessionContext> {
    let bytes = (memory_mb as usize).saturating_mul(1 << 20);
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(bytes)))
        .build_arc()?;
    let config = SessionConfig::new().with_information_schema(true);
    Ok(SessionContext::new_with_config_rt(config, runtime))
}

/// The tables that `sql` names.
pub(crate) fn asked(session: &SessionContext, sql: &str) -> Result<Asked> {
    let state = session.state();
    let dialect = state.config().options().sql_parser.dialect;
    let statement = state.sql_to_statement(sql, &dialect)?;
    let mut names = BTreeSet::new();
    for reference in state.resolve_table_references(&statement)? {
        match reference {
            TableReference::Bare { table } => {
                if !state.table_functions().contains_key(table.as_ref()) {
                    names.insert(table.to_string());
                }
            }
            TableReference::Partial { schema, .. } | TableReference::Full { schema, .. }
                if schema.as_ref() == "information_schema" =>
            {
                return Ok(Asked::Everything);
            }
            other @ (TableReference::Partial { .. } | TableReference::Full { .. }) => {
                return Err(DataFusionError::Plan(format!(
                    "there is no table {other}: tables go by their names alone"
                )));
            }
        }
    }
    Ok(Asked::Names(names))
}

/// Starts to answer `sql`, which may only read.
pub(crate) async fn answer(
    session: &SessionContext,
    sql: &str,
) -> Result<SendableRecordBatchStream> {
    let reading = SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false);
    let mut rows = session.sql_with_options(sql, reading).await?;
    if lists_tables(session, sql)? {
        // The engine lists them in the order of its hash map.
        let by = ["table_catalog", "table_schema", "table_name"];
        rows = rows.sort_by(by.map(col).to_vec())?;
    }
    rows.execute_stream().await
}

/// Whether `sql` is `SHOW TABLES`.
fn lists_tables(session: &SessionContext, sql: &str) -> Result<bool> {
    let state = session.state();
    let dialect = state.config().options().sql_parser.dialect;
    Ok(match state.sql_to_statement(sql, &dialect)? {
        Statement::Statement(statement) => matches!(*statement, SqlStatement::ShowTables { .. }),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(sql: &str) -> Vec<String> {
        match asked(&start(1).unwrap(), sql).unwrap() {
            Asked::Names(names) => names.into_iter().collect(),
            Asked::Everything => panic!("{sql} names its tables"),
        }
    }

    #[test]
    fn names_in_parts_of_a_statement_are_seen_and_its_own_are_not() {
        let sql = "WITH a AS (SELECT * FROM likes) SELECT * FROM a WHERE x IN (SELECT y FROM rejected_now)";
        assert_eq!(names(sql), ["likes", "rejected_now"]);
        assert_eq!(names("SELECT * FROM generate_series(1, 3)"), [""; 0]);
        assert_eq!(names("DESCRIBE likes"), ["likes"]);
    }

    #[test]
    fn showing_tables_asks_for_everything() {
        let session = start(1).unwrap();
        assert_eq!(asked(&session, "SHOW TABLES").unwrap(), Asked::Everything);
    }

    #[test]
    fn a_name_in_a_schema_is_refused() {
        assert!(asked(&start(1).unwrap(), "SELECT * FROM other.likes").is_err());
    }
}
