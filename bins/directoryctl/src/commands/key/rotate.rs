//! `key rotate`

use std::io::{self, IsTerminal};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sync_engine::{KeyUse, SyncEngine};

use crate::{
    exit::Exit,
    output::note,
    session::Invocation,
    show::key::{self, RotationView},
};

pub(super) async fn run(invocation: Invocation) -> anyhow::Result<Exit> {
    let session = invocation.open().await?;
    let engine = session.engine()?;
    let bar = progress_bar(&engine).await?;
    let rotated = engine.rotate_keys(&session.by, |rotation| bar.set_position(rotation.seen)).await;
    bar.finish_and_clear();
    let rotation = rotated.context("the rotation did not get to its end; what was done stays, so begin it again")?;

    let done = rotation.failed.is_empty();
    session.format.show(&RotationView::from(rotation), key::rotation)?;
    let keyring = session.keyring();
    let kid = keyring.primary_kid();
    if done {
        note(&format!(
            "everything is under key `{kid}`; the others may go once `directoryctl key status` shows that they open \
             nothing and no running program seals with them"
        ));
        return Ok(Exit::Done);
    }
    note(&format!(
        "what could not be opened stays as it was, the rest is under key `{kid}`; `directoryctl key status` shows which \
         keys are missing, and `directoryctl connection set-secret` puts a new credential in the place of a lost one"
    ));
    Ok(Exit::Incomplete)
}

/// A bar on standard error; a hidden one where that is no terminal, without counting what there is to do.
async fn progress_bar(engine: &SyncEngine) -> anyhow::Result<ProgressBar> {
    if !io::stderr().is_terminal() {
        return Ok(ProgressBar::hidden());
    }
    let total = engine.key_use().await?.iter().map(|key: &KeyUse| key.credentials).sum();
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} credentials").context("cannot show progress")?;
    Ok(ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr()).with_style(style))
}
