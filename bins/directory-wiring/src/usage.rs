//! What the argument parser says, on one line.

/// A complaint about the arguments in one line: its paragraphs joined, without the usage that follows them.
#[must_use]
pub fn usage_line(error: &clap::Error) -> String {
    let rendered = error.render().to_string();
    let paragraphs: Vec<String> = rendered
        .split("\n\n")
        .map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|paragraph| !paragraph.is_empty())
        .filter(|paragraph| !paragraph.starts_with("Usage:") && !paragraph.starts_with("For more information"))
        .collect();
    format!("{}; `--help` shows what there is", paragraphs.join("; "))
}
