//! The accounting of a job's partitions, as people read it.

use model::admission::Outcome;
use runtime::Report;

use crate::table::{Cell, Table};
use crate::terminal::Colour;

/// Per partition what was read and what became of it; the last column is what does not add up: 0.
pub(crate) fn table(report: &Report) -> String {
    if report.counts().read() == 0 {
        return "Nothing was read: there was nothing new.\n".to_owned();
    }
    let names = Outcome::ALL.map(Outcome::name);
    let header = ["partition", "read"]
        .into_iter()
        .chain(names)
        .chain(["residual"]);
    let mut table = Table::new(header).right(1..);
    for (name, partition) in &report.partitions {
        let counts = Outcome::ALL.map(|outcome| partition.counts.of(outcome).to_string());
        let colour = if partition.residual == 0 {
            Colour::Good
        } else {
            Colour::Bad
        };
        let residual = Cell::coloured(colour, partition.residual);
        let row = [name.clone(), partition.read.to_string()]
            .into_iter()
            .chain(counts)
            .map(Cell::from)
            .chain([residual]);
        table.add_row(row);
    }
    format!("{table}\n")
}
