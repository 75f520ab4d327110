//! `key generate`

use chrono::Utc;
use crypto::{GenerateKeyError, generate_key_line};
use secrecy::ExposeSecret;

use crate::{exit::BadUsage, output::print};

/// A key to print.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The key's id, 1 to 32 of A-Z, a-z, 0-9, _ and - [default: today's date]
    #[arg(long)]
    kid: Option<String>,
}

/// Opens neither settings nor database: it is how a first key comes about.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let today = || Utc::now().format("k%Y-%m-%d").to_string();
    let kid = args.kid.clone().unwrap_or_else(today);
    let line = generate_key_line(&kid).map_err(|error| match error {
        GenerateKeyError::InvalidKeyId => BadUsage(error.to_string()).into(),
        GenerateKeyError::Random(_) => anyhow::Error::from(error),
    })?;
    Ok(print(&format!("{}\n", line.expose_secret()))?)
}
