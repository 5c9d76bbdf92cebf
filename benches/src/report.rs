//! The tables: on the terminal, and as markdown between two lines of a file.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use comfy_table::Table;
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use jiff::Timestamp;

use crate::bench::Bench;
use crate::figure::{Figure, HEAD};
use crate::machine;

const BEGIN: &str = "<!-- measured by benches/run: begin -->";
const END: &str = "<!-- measured by benches/run: end -->";

/// The figures of one bench.
pub(crate) struct Section {
    bench: Bench,
    figures: Vec<Figure>,
    of: String,
}

impl Section {
    /// Figures that were measured just now.
    pub(crate) fn now(bench: Bench, figures: Vec<Figure>) -> Self {
        let now = Timestamp::now().to_string();
        let day = now.split('T').next().unwrap_or(&now);
        Self {
            bench,
            figures,
            of: format!("{day}, commit {}", machine::commit()),
        }
    }

    /// The table for a terminal.
    pub(crate) fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(UTF8_HORIZONTAL_ONLY).set_header(HEAD);
        for figure in &self.figures {
            table.add_row(figure.cells());
        }
        format!("{}: {}\n{table}", self.bench.name(), self.bench.question())
    }

    fn markdown(&self) -> String {
        let mut text = format!(
            "{}\n{} {}\n\n",
            heading(self.bench),
            self.bench.question(),
            self.of
        );
        text += &line(&HEAD.map(str::to_owned));
        text += &line(&HEAD.map(|_| "---".to_owned()));
        for figure in &self.figures {
            text += &line(&figure.cells());
        }
        text
    }
}

fn heading(bench: Bench) -> String {
    format!("### {}", bench.name())
}

fn line(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

/// Puts sections between the marker lines of a file. Benches that were not run keep what stands there.
pub(crate) fn write(file: &Path, machine: &str, sections: &[Section]) -> Result<()> {
    let text = fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    let missing = || format!("find the two marker lines in {}", file.display());
    let (before, rest) = text.split_once(BEGIN).with_context(missing)?;
    let (old, after) = rest.split_once(END).with_context(missing)?;
    let mut new = format!("{BEGIN}\n\n{machine}\n");
    for bench in Bench::ALL {
        let section = sections.iter().find(|section| section.bench == bench);
        let text = section.map_or_else(|| kept(old, bench), Section::markdown);
        if !text.is_empty() {
            new += &format!("\n{}\n", text.trim_end());
        }
    }
    let text = format!("{before}{new}\n{END}{after}");
    fs::write(file, text).with_context(|| format!("write {}", file.display()))
}

/// The section of a bench as it stands.
fn kept(old: &str, bench: Bench) -> String {
    let start = heading(bench) + "\n";
    let Some((_, section)) = old.split_once(&start) else {
        return String::new();
    };
    let end = section.find("\n### ").unwrap_or(section.len());
    start + &section[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_keeps_its_text_and_the_benches_that_were_not_run() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("performance.md");
        fs::write(&file, format!("before\n{BEGIN}\n{END}\nafter\n")).unwrap();
        let section = |bench, value| Section {
            bench,
            figures: vec![Figure::new("what", "a/s", vec![value])],
            of: "a day".to_owned(),
        };

        let both = [section(Bench::Parse, 1.0), section(Bench::Likes, 2.0)];
        write(&file, "Machine: one.", &both).unwrap();
        write(&file, "Machine: two.", &[section(Bench::Parse, 3.0)]).unwrap();

        let text = fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("before\n") && text.ends_with("\nafter\n"));
        assert!(text.contains("| what | 3.00 |") && text.contains("| what | 2.00 |"));
        assert!(!text.contains("| what | 1.00 |") && !text.contains("Machine: one."));
    }
}
