//! The accounting of a job's partitions, as people read it.

use comfy_table::Cell;
use model::admission::Outcome;
use runtime::Report;

use crate::terminal::{self, Colour};

/// Per partition what was read and what became of it; the last column is what does not add up: 0.
pub(crate) fn table(report: &Report) -> String {
    if report.partitions.is_empty() {
        return "Nothing was read: there was nothing new.\n".to_owned();
    }
    let names = Outcome::ALL.map(Outcome::name);
    let header = ["partition", "read"]
        .into_iter()
        .chain(names)
        .chain(["residual"]);
    let mut table = terminal::table(header);
    for (name, partition) in &report.partitions {
        let counts = Outcome::ALL.map(|outcome| partition.counts.of(outcome).to_string());
        let colour = if partition.residual == 0 {
            Colour::Good
        } else {
            Colour::Bad
        };
        let residual = terminal::coloured_cell(colour, partition.residual);
        let row = [name.clone(), partition.read.to_string()]
            .into_iter()
            .chain(counts)
            .map(Cell::new)
            .chain([residual]);
        table.add_row(row);
    }
    format!("{table}\n")
}
