//! `connection delete`

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::{Context, bail};
use store::Connection;

use crate::{exit::BadUsage, output::note, session::Invocation, table::printable};

/// Which connection.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Its id or display name
    connection: String,
    /// Do not ask first
    #[arg(long)]
    yes: bool,
}

pub(super) async fn run(args: &Args, invocation: Invocation) -> anyhow::Result<()> {
    let can_ask = io::stdin().is_terminal() && io::stderr().is_terminal();
    if !args.yes && !can_ask {
        return Err(
            BadUsage("there is no terminal to ask on; to delete without being asked, say --yes".to_owned()).into()
        );
    }
    let session = invocation.open().await?;
    let tenant = session.tenant().await?;
    let connection = session.connection(&tenant, &args.connection).await?;
    if !args.yes && !confirmed(&connection)? {
        bail!("the connection was not deleted");
    }
    let deleted = session.store.delete_connection(&session.by, tenant.id, connection.id).await;
    if !deleted.context("the connection was not deleted")? {
        bail!("the connection is gone");
    }
    note(&format!(
        "connection `{}` is deleted, with its credential; its users stay as they are, and registering the same \
         directory again (`directoryctl connection add`) takes them up",
        connection.display_name
    ));
    Ok(())
}

fn confirmed(connection: &Connection) -> anyhow::Result<bool> {
    let mut terminal = io::stderr();
    let name = printable(&connection.display_name);
    write!(terminal, "Delete connection `{name}` ({})? Its users stay. [y/N] ", connection.id)
        .and_then(|()| terminal.flush())
        .context("cannot ask whether to delete")?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).context("cannot read whether to delete")?;
    Ok(is_yes(&answer))
}

/// Nothing else is consent.
fn is_yes(answer: &str) -> bool {
    ["y", "yes"].iter().any(|yes| answer.trim().eq_ignore_ascii_case(yes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_consent() {
        for yes in ["y\n", "Y\r\n", "yes\n", " YES "] {
            assert!(is_yes(yes), "{yes:?}");
        }
        for no in ["", "\n", "n\n", "no\n", "yess\n", "y y\n", "1\n"] {
            assert!(!is_yes(no), "{no:?}");
        }
    }
}
