//! Tables that are as wide as the terminal at most: their lines are broken, columns are left out, or every
//! row becomes a paragraph.

use std::fmt;
use std::ops::RangeBounds;

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Width, presets};

use crate::terminal::{self, Colour, Stream};

/// What a column needs beside its content: a space on both sides.
const PADDING: usize = 2;
/// A column of sentences is read no longer when it is narrower.
const PROSE_MIN: usize = 24;
/// How far the lines of a paragraph are moved in.
const INDENT: &str = "    ";
/// Between two values of a paragraph.
const GAP: &str = "   ";

/// A table for people.
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    /// So many of the first columns are the title of a row.
    titles: usize,
    /// A text that paragraphs leave out.
    nothing: Option<&'static str>,
}

struct Column {
    name: String,
    right: bool,
    prose: bool,
    /// Left out when there is no room for all; the lowest number goes first.
    spare: Option<usize>,
}

/// A text, and its colour where standard output shows colours.
pub(crate) struct Cell {
    text: String,
    colour: Option<Colour>,
}

impl Cell {
    /// A text in a colour.
    pub(crate) fn coloured(colour: Colour, text: impl ToString) -> Self {
        Self {
            text: text.to_string(),
            colour: Some(colour),
        }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self {
            text: text.into(),
            colour: None,
        }
    }
}

impl Table {
    /// A table with these names above its columns.
    pub(crate) fn new<T: Into<String>>(names: impl IntoIterator<Item = T>) -> Self {
        let columns = names.into_iter().map(|name| Column {
            name: name.into(),
            right: false,
            prose: false,
            spare: None,
        });
        Self {
            columns: columns.collect(),
            rows: Vec::new(),
            titles: 1,
            nothing: None,
        }
    }

    /// Columns of numbers.
    pub(crate) fn right(mut self, columns: impl RangeBounds<usize>) -> Self {
        for (place, column) in self.columns.iter_mut().enumerate() {
            column.right = columns.contains(&place);
        }
        self
    }

    /// A column of sentences, whose lines may be broken.
    pub(crate) fn prose(mut self, column: usize) -> Self {
        self.columns[column].prose = true;
        self
    }

    /// Columns that may be left out, the first one first.
    pub(crate) fn spare(mut self, columns: &[usize]) -> Self {
        for (turn, &column) in columns.iter().enumerate() {
            self.columns[column].spare = Some(turn);
        }
        self
    }

    /// How many of the first columns are the title of a row.
    pub(crate) fn titles(mut self, columns: usize) -> Self {
        self.titles = columns;
        self
    }

    /// A text that is not worth a place where every row is a paragraph.
    pub(crate) fn nothing(mut self, text: &'static str) -> Self {
        self.nothing = Some(text);
        self
    }

    /// Adds a row with a cell a column.
    pub(crate) fn add_row<T: Into<Cell>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// The table in lines of at most `width` columns of a terminal, as far as words allow.
    fn within(&self, width: usize) -> String {
        let mut shown: Vec<usize> = (0..self.columns.len()).collect();
        loop {
            if let Some(widths) = self.widths(&shown, width) {
                return self.as_rows(&shown, &widths);
            }
            let spare = shown
                .iter()
                .copied()
                .filter(|&column| self.columns[column].spare.is_some())
                .min_by_key(|&column| self.columns[column].spare);
            match spare {
                Some(spare) => shown.retain(|&column| column != spare),
                None => return self.as_paragraphs(width),
            }
        }
    }

    /// The widths of these columns, if all of them have room.
    fn widths(&self, shown: &[usize], width: usize) -> Option<Vec<usize>> {
        let around = 2 + shown.len().saturating_sub(1) + PADDING * shown.len();
        let room = width.checked_sub(around)?;
        let name = |column: usize| &self.columns[column].name;
        let cells = |column: usize| {
            let cells = self.rows.iter().filter_map(move |row| row.get(column));
            cells.map(|cell| text_width(&cell.text)).max().unwrap_or(0)
        };
        let word = |column: usize| {
            let words = name(column).split(' ').map(text_width);
            words.max().unwrap_or(0).max(1)
        };
        let full = |column: usize| cells(column).max(text_width(name(column)));
        // Names are broken before sentences are.
        let mut widths: Vec<usize> = shown
            .iter()
            .map(|&column| cells(column).max(word(column)))
            .collect();
        let taken: usize = widths.iter().sum();
        if taken > room {
            let prose = shown.iter().position(|&at| self.columns[at].prose)?;
            let others = taken - widths[prose];
            widths[prose] = room.checked_sub(others).filter(|&left| left >= PROSE_MIN)?;
            return Some(widths);
        }
        let mut left = room - taken;
        for (&column, width) in shown.iter().zip(&mut widths) {
            let more = full(column).saturating_sub(*width);
            if more <= left {
                *width += more;
                left -= more;
            }
        }
        Some(widths)
    }

    fn as_rows(&self, shown: &[usize], widths: &[usize]) -> String {
        let mut table = comfy_table::Table::new();
        let names = shown.iter().map(|&column| &self.columns[column].name);
        table
            .load_style(presets::UTF8_BORDERS_ONLY)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(u16::MAX)
            .set_header(names);
        for row in &self.rows {
            let cells = shown.iter().filter_map(|&column| row.get(column));
            table.add_row(cells.map(drawn));
        }
        for (place, column) in table.column_iter_mut().enumerate() {
            let width = u16::try_from(widths[place] + PADDING).unwrap_or(u16::MAX);
            column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width)));
            if self.columns[shown[place]].right {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table.to_string()
    }

    /// A title for each row, and under it its values with their names.
    fn as_paragraphs(&self, width: usize) -> String {
        let mut text = String::new();
        let mut left_out = false;
        for row in &self.rows {
            let titles = row.iter().take(self.titles).map(|cell| cell.text.as_str());
            let mut lines = Lines::new(titles.collect::<Vec<_>>().join("  "), width);
            lines.end();
            for (column, cell) in self.columns.iter().zip(row).skip(self.titles) {
                if cell.text.is_empty() {
                    continue;
                }
                if self.nothing == Some(cell.text.as_str()) {
                    left_out = true;
                    continue;
                }
                let name = if column.name.is_empty() {
                    String::new()
                } else {
                    format!("{} ", column.name)
                };
                lines.add(&name, cell);
            }
            text += &lines.text;
            text.push('\n');
        }
        if left_out && let Some(nothing) = self.nothing {
            text += &format!("(what is not listed is {nothing})\n");
        }
        text.pop();
        text
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.within(terminal::width(Stream::Output)))
    }
}

/// Lines that are filled up to a width.
struct Lines {
    text: String,
    width: usize,
    /// How far the last line reaches; `None` where a new one is to begin.
    at: Option<usize>,
}

impl Lines {
    fn new(title: String, width: usize) -> Self {
        Self {
            at: Some(text_width(&title)),
            text: title,
            width,
        }
    }

    /// What comes next stands on a line of its own.
    fn end(&mut self) {
        self.at = None;
    }

    /// Adds a value with its name, which stay together unless they are longer than a line.
    fn add(&mut self, name: &str, cell: &Cell) {
        let long = text_width(name) + text_width(&cell.text);
        match self.at {
            Some(at) if at + GAP.len() + long <= self.width => self.put(GAP, name, cell),
            _ if INDENT.len() + long <= self.width => self.begin(name, cell),
            _ => {
                self.end();
                let words = format!("{name}{}", cell.text);
                for word in words.split(' ') {
                    let word = Cell {
                        text: word.to_owned(),
                        colour: cell.colour,
                    };
                    match self.at {
                        Some(at) if at + 1 + text_width(&word.text) <= self.width => {
                            self.put(" ", "", &word);
                        }
                        _ => self.begin("", &word),
                    }
                }
                self.end();
            }
        }
    }

    fn begin(&mut self, name: &str, cell: &Cell) {
        self.text.push('\n');
        self.at = Some(0);
        self.put(INDENT, name, cell);
    }

    fn put(&mut self, before: &str, name: &str, cell: &Cell) {
        let long = text_width(before) + text_width(name) + text_width(&cell.text);
        self.text += before;
        self.text += name;
        match cell.colour {
            Some(colour) => self.text += &terminal::coloured(colour, &cell.text),
            None => self.text += &cell.text,
        }
        self.at = Some(self.at.unwrap_or(0) + long);
    }
}

/// The cell with its colour beside its text, so that the table knows its width.
fn drawn(cell: &Cell) -> comfy_table::Cell {
    let drawn = comfy_table::Cell::new(&cell.text);
    let Some(colour) = cell
        .colour
        .filter(|_| terminal::has_colours(Stream::Output))
    else {
        return drawn;
    };
    drawn.fg(match colour {
        Colour::Good => comfy_table::Color::Green,
        Colour::Odd => comfy_table::Color::Yellow,
        Colour::Bad => comfy_table::Color::Red,
    })
}

/// How many columns of a terminal a text takes: Korean letters take two.
fn text_width(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    let mut measured = comfy_table::Table::new();
    measured.add_row([text]);
    measured.column_max_content_widths()[0].into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn longest(text: &str) -> usize {
        text.lines().map(text_width).max().unwrap_or(0)
    }

    /// Two items as `get` lists them.
    fn items() -> Table {
        let names = [
            "slot",
            "item",
            "sum",
            "potential",
            "additional potential",
            "starforce",
        ];
        let mut table = Table::new(names).right(2..).titles(2).nothing("none");
        table.add_row([
            "무기",
            "파프니르 시프웨폰",
            "3364조",
            "60.4억",
            "3363.9조",
            "68.2억",
        ]);
        table.add_row([
            "얼굴장식",
            "응축된 힘의 결정석",
            "4.1조",
            "7.5억",
            "4.1조",
            "none",
        ]);
        table
    }

    #[test]
    fn a_table_with_room_has_its_names_on_one_line() {
        let text = items().within(120);
        assert_eq!(text.lines().count(), 6, "{text}");
        assert!(text.contains(" additional potential "), "{text}");
        let natural = longest(&text);
        assert_eq!(items().within(natural), text);
        // One column less, and the longest name is broken.
        let narrower = items().within(natural - 1);
        assert_eq!(narrower.lines().count(), 7, "{narrower}");
        assert!(longest(&narrower) < natural, "{narrower}");
    }

    #[test]
    fn without_room_every_row_is_a_paragraph() {
        let text = items().within(50);
        assert_eq!(
            text,
            "무기  파프니르 시프웨폰\n\
             \x20   sum 3364조   potential 60.4억\n\
             \x20   additional potential 3363.9조\n\
             \x20   starforce 68.2억\n\
             얼굴장식  응축된 힘의 결정석\n\
             \x20   sum 4.1조   potential 7.5억\n\
             \x20   additional potential 4.1조\n\
             (what is not listed is none)"
        );
    }

    #[test]
    fn sentences_are_broken_and_spare_columns_left_out_before_rows_are() {
        let mut prose = Table::new(["table", "holds"]).prose(1);
        prose.add_row([
            "likes",
            "the pairs of an account and a character that it likes",
        ]);
        let text = prose.within(40);
        assert!(longest(&text) <= 40 && text.starts_with('┌'), "{text}");

        let mut spare = Table::new(["ocid", "class", "likes"]).spare(&[1]);
        spare.add_row(["381e8d745cce3232d3065e3cb9cdf2a1", "데몬어벤져", "12"]);
        assert!(spare.within(80).contains("데몬어벤져"));
        let text = spare.within(50);
        assert!(
            text.contains("12") && !text.contains("class") && text.starts_with('┌'),
            "{text}"
        );
    }

    #[test]
    fn no_line_is_longer_than_the_terminal() {
        let mut long = Table::new(["table", "holds"]).prose(1);
        long.add_row([
            "likes",
            "the pairs of an account and a character that it likes",
        ]);
        for width in [20, 30, 47, 60, 80, 100, 200] {
            for text in [items().within(width.max(36)), long.within(width)] {
                assert!(longest(&text) <= width.max(36), "{width}:\n{text}");
            }
        }
    }
}
