//! Tables for a terminal. What comes from a directory is not trusted: nothing in it reaches the terminal as a command.

use chrono::{DateTime, Utc};
use comfy_table::{ColumnConstraint, ContentArrangement, presets};

/// A table, either a list with a header or the facts about one thing.
pub(crate) struct Table {
    inner: comfy_table::Table,
}

impl Table {
    /// A list. The first column is an id and stays whole however narrow the terminal is.
    pub(crate) fn list<const N: usize>(header: [&str; N]) -> Self {
        let mut table = Self::new();
        table.inner.set_header(header);
        table
    }

    /// Facts about one thing, a row each.
    pub(crate) fn facts() -> Self {
        Self::new()
    }

    fn new() -> Self {
        let mut inner = comfy_table::Table::new();
        inner.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        Self { inner }
    }

    /// Adds a row.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) -> &mut Self {
        self.inner.add_row(cells.map(|cell| printable(&cell)));
        self
    }

    /// Adds a fact, unless there is nothing to say.
    pub(crate) fn fact(&mut self, name: &str, value: impl Into<Option<String>>) -> &mut Self {
        if let Some(value) = value.into() {
            self.row([name.to_owned(), value]);
        }
        self
    }

    /// The table as text, no wider than that where it can be.
    pub(crate) fn render(mut self, width: Option<u16>) -> String {
        match width {
            Some(width) => self.inner.set_width(width),
            None => self.inner.set_content_arrangement(ContentArrangement::Disabled),
        };
        if let Some(first) = self.inner.column_mut(0) {
            // Never broken: ids are there to be copied.
            first.set_constraint(ColumnConstraint::ContentWidth).set_padding((0, 1));
        }
        self.inner.trim_fmt()
    }
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

    #[test]
    fn a_missing_fact_has_no_row() {
        let mut table = Table::facts();
        table.fact("Name", "Acme".to_owned()).fact("Group", None);
        assert_eq!(table.render(None), "Name  Acme");
    }
}
