//! Lists that come a page at a time.

use http_api::model::ListView;
use serde::Serialize;

use crate::{
    output::{Format, note},
    table::Table,
};

const MAX_LIMIT: i64 = 10_000;

/// Which page. `C` is what the list is ordered by.
#[derive(clap::Args)]
pub(crate) struct PageArgs<C: std::str::FromStr<Err: std::error::Error + Send + Sync> + Clone + Send + Sync + 'static> {
    /// Show at most so many
    #[arg(long, value_name = "NUMBER", default_value = "50", value_parser = clap::value_parser!(u32).range(1..=MAX_LIMIT))]
    limit: u32,
    /// Go on where the page before ended: its `nextCursor`
    #[arg(long, value_name = "CURSOR")]
    pub(crate) cursor: Option<C>,
}

impl<C: std::str::FromStr<Err: std::error::Error + Send + Sync> + Clone + Send + Sync + 'static> PageArgs<C> {
    /// How many to read: one more than is shown tells whether there is another page.
    pub(crate) fn to_read(&self) -> u32 {
        self.limit + 1
    }

    /// Shows what was read. `position` is the cursor that leads past an item.
    pub(crate) fn show<R, T: Serialize + From<R>>(
        &self,
        format: Format,
        mut read: Vec<R>,
        position: impl Fn(&R) -> String,
        table: impl FnOnce(&ListView<T>) -> Table,
    ) -> anyhow::Result<()> {
        let more = u32::try_from(read.len()).is_ok_and(|count| count > self.limit);
        if more {
            read.pop();
        }
        let next_cursor = read.last().filter(|_| more).map(position);
        let next = next_cursor.clone();
        format.show(&ListView { items: read.into_iter().map(T::from).collect(), next_cursor }, table)?;
        if let (Format::Table, Some(cursor)) = (format, next) {
            note(&format!("there are more: --cursor {cursor}"));
        }
        Ok(())
    }
}
