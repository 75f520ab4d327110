//! Data to standard output, everything else to standard error.

use std::{
    fmt::Write as _,
    io::{self, IsTerminal, Write},
};

use clap::ValueEnum;
use serde::Serialize;

use crate::table::{Table, must_be_escaped};

/// The form of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// For programs: one document.
    Json,
}

impl Format {
    /// What was asked for, or what suits where the data go.
    pub(crate) fn resolve(asked: Option<Self>) -> Self {
        asked.unwrap_or_else(|| if io::stdout().is_terminal() { Self::Table } else { Self::Json })
    }

    /// Prints a document, or its table.
    pub(crate) fn show<T: Serialize>(self, document: &T, table: impl FnOnce(&T) -> Table) -> anyhow::Result<()> {
        let text = match self {
            Self::Table => table(document).render(terminal_width()),
            Self::Json => json(document)?,
        };
        Ok(print(&format!("{text}\n"))?)
    }
}

/// Writes data. A reader that has gone, such as `head`, wants no more of it: that is no failure.
pub(crate) fn print(text: &str) -> io::Result<()> {
    print_on(text).map(drop)
}

/// The same, for what goes on for ever: whether there is a reader still.
pub(crate) fn print_on(text: &str) -> io::Result<bool> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        done => done.map(|()| true),
    }
}

/// Says something beside the data, on one line.
pub(crate) fn note(text: &str) {
    // Where standard error is closed there is nobody to tell.
    let _ = writeln!(io::stderr(), "{}", crate::table::printable(text));
}

/// JSON without raw characters that a terminal could act on; inside JSON they can only be part of a string, where their
/// escaped form means the same.
fn json<T: Serialize>(document: &T) -> serde_json::Result<String> {
    serde_json::to_string_pretty(document).map(|text| escaped(&text))
}

/// The same in one line.
pub(crate) fn line_of_json<T: Serialize>(document: &T) -> serde_json::Result<String> {
    serde_json::to_string(document).map(|text| escaped(&text))
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if character != '\n' && must_be_escaped(character) {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                // Writing to a String cannot fail.
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(character);
        }
    }
    safe
}

fn terminal_width() -> Option<u16> {
    terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| width.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_means_the_same_and_holds_nothing_that_a_terminal_acts_on() {
        let document = ["plain é 😀", "\u{1b}[31m", "\u{9b}2J", "\u{7f}", "a\u{202e}b", "line\nbreak"];
        let text = json(&document).unwrap();
        assert!(text.contains("\\u009b2J") && text.contains("plain é 😀"), "{text}");
        assert!(text.chars().all(|character| character == '\n' || !must_be_escaped(character)));
        assert_eq!(serde_json::from_str::<Vec<String>>(&text).unwrap(), document);
    }
}
