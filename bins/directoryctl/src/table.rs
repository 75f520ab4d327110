//! Tables for a terminal. What comes from a directory is not trusted: nothing in it reaches the terminal as a command.

use chrono::{DateTime, Utc};
use comfy_table::{ColumnConstraint, ContentArrangement, presets};

/// What a column of a list needs at least for its words to be read; the space beside it included.
const NARROWEST: usize = 6;

/// A table, either a list with a header or the facts about one thing.
pub(crate) struct Table {
    /// Empty where there is none.
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A list. The first column is an id and stays whole however narrow the terminal is.
    pub(crate) fn list<'a>(header: impl IntoIterator<Item = &'a str>) -> Self {
        Self { header: header.into_iter().map(str::to_owned).collect(), rows: Vec::new() }
    }

    /// Facts about one thing, a row each.
    pub(crate) fn facts() -> Self {
        Self { header: Vec::new(), rows: Vec::new() }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) -> &mut Self {
        self.rows.push(cells.into_iter().map(|cell| printable(&cell)).collect());
        self
    }

    /// Adds a fact, unless there is nothing to say.
    pub(crate) fn fact(&mut self, name: &str, value: impl Into<Option<String>>) -> &mut Self {
        if let Some(value) = value.into() {
            self.row([name.to_owned(), value]);
        }
        self
    }

    /// The table as text, no wider than that where it can be. A list with too many columns for that is a block of facts for
    /// each of its rows.
    pub(crate) fn render(&self, width: Option<u16>) -> String {
        match width {
            Some(width) if self.is_cramped(usize::from(width)) => {
                let block = |row: &Vec<String>| {
                    let facts = self.header.iter().cloned().zip(row.iter().cloned());
                    aligned(&[], facts.map(|(name, value)| vec![name, value]), Some(width))
                };
                self.rows.iter().map(block).collect::<Vec<_>>().join("\n\n")
            }
            width => aligned(&self.header, self.rows.iter().cloned(), width),
        }
    }

    /// Whether a list leaves its columns too little beside the first.
    fn is_cramped(&self, width: usize) -> bool {
        let lines = || std::iter::once(&self.header).chain(&self.rows);
        let widest = |column: usize| {
            lines().filter_map(|line| line.get(column)).map(|cell| cell.chars().count() + 2).max().unwrap_or(0)
        };
        let columns = self.header.len();
        let needed: usize = (0..columns).map(widest).sum();
        needed > width && widest(0) + columns.saturating_sub(1) * NARROWEST > width
    }
}

fn aligned(header: &[String], rows: impl IntoIterator<Item = Vec<String>>, width: Option<u16>) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    if !header.is_empty() {
        table.set_header(header);
    }
    table.add_rows(rows);
    match width {
        Some(width) => table.set_width(width),
        None => table.set_content_arrangement(ContentArrangement::Disabled),
    };
    if let Some(first) = table.column_mut(0) {
        // Never broken: ids are there to be copied.
        first.set_constraint(ColumnConstraint::ContentWidth).set_padding((0, 1));
    }
    table.trim_fmt()
}

/// Text without characters that a terminal acts on: they are shown by their number.
pub(crate) fn printable(text: &str) -> String {
    if !text.contains(must_be_escaped) {
        return text.to_owned();
    }
    text.chars()
        .map(
            |character| {
                if must_be_escaped(character) { character.escape_unicode().to_string() } else { character.to_string() }
            },
        )
        .collect()
}

/// Control characters, and the invisible ones that reorder or break a line.
pub(crate) fn must_be_escaped(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A time to the second, in UTC.
pub(crate) fn time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// A value that may be missing.
pub(crate) fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    #[test]
    fn what_a_terminal_acts_on_is_shown_by_its_number() {
        let nasty = "Ada\u{1b}]0;owned\u{7}\r\n\u{9b}2J\u{202e}";
        let mut table = Table::list(["ID", "NAME"]);
        table.row([ID.to_owned(), nasty.to_owned()]);
        let text = table.render(None);
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(!text.replace('\n', "").contains(must_be_escaped), "{text:?}");
        assert!(text.contains("Ada\\u{1b}]0;owned\\u{7}\\u{d}\\u{a}\\u{9b}2J\\u{202e}"), "{text}");
        assert_eq!(printable("Zoë 😀 O'Brien"), "Zoë 😀 O'Brien");
    }

    #[test]
    fn a_table_fits_its_terminal_and_keeps_ids_whole() {
        let mut table = Table::list(["ID", "NAME", "WHY"]);
        table.row([ID.to_owned(), "a name that is long ".repeat(5), "a reason that is longer still ".repeat(5)]);
        let text = table.render(Some(80));
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.contains(ID), "{text}");
    }

    fn fits(text: &str, width: usize) {
        assert!(text.lines().all(|line| line.chars().count() <= width), "{width}: {text}");
    }

    #[test]
    fn lists_of_any_size_fit_usual_terminals() {
        let long = "an-unbroken-value-that-is-longer-than-any-column ".repeat(3);
        for columns in 1..=9 {
            let mut table = Table::list(
                ["ID", "NAME", "STATUS", "MODE", "SCHEDULE", "QUEUED", "SEEN", "CHANGED", "WHY"]
                    .into_iter()
                    .take(columns),
            );
            for _ in 0..2 {
                table.row([ID.to_owned()].into_iter().chain(std::iter::repeat_n(long.clone(), columns - 1)));
            }
            for width in [60, 80, 120] {
                let text = table.render(Some(width));
                fits(&text, usize::from(width));
                assert_eq!(text.matches(ID).count(), 2, "{text}");
            }
        }
    }

    #[test]
    fn a_list_that_is_too_wide_is_a_block_for_each_row() {
        let mut table = Table::list(["ID", "NAME", "STATE", "SCHEDULE", "RUN"]);
        let row = |name: &str| [ID, name, "quarantined", "every 15m", "succeeded"].map(str::to_owned);
        table.row(row("Acme")).row(row("Globex"));
        let wide = table.render(Some(100));
        assert_eq!(wide.lines().count(), 3, "{wide}");
        let blocks = table.render(Some(60));
        fits(&blocks, 60);
        let blocks: Vec<&str> = blocks.split("\n\n").collect();
        assert_eq!(blocks.len(), 2);
        assert!(blocks[1].starts_with("ID ") && blocks[1].contains("NAME      Globex"), "{}", blocks[1]);
        assert!(blocks[1].lines().any(|line| line == "STATE     quarantined"), "no word is broken: {}", blocks[1]);
        assert_eq!(
            Table::list(["ID", "A", "B", "C", "D"]).render(Some(60)).lines().count(),
            1,
            "nothing is a header alone"
        );
    }

    #[test]
    fn facts_fit_usual_terminals() {
        let mut table = Table::facts();
        table.fact("Hold when deactivating", format!("{ID} {}", "reasons and more reasons ".repeat(9)));
        for width in [60, 80] {
            fits(&table.render(Some(width)), usize::from(width));
        }
    }

    #[test]
    fn a_missing_fact_has_no_row() {
        let mut table = Table::facts();
        table.fact("Name", "Acme".to_owned()).fact("Group", None);
        assert_eq!(table.render(None), "Name  Acme");
    }
}
