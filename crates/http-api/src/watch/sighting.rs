//! A run as it was seen at a time.

use std::time::Instant;

use actix_web::web::Bytes;
use crypto::Digest;
use store::Run;

use crate::model::RunView;

/// Half of a SHA-256: no two views of one run have the same.
const ID_CHARS: usize = 32;

/// A run's view, written out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sighting {
    /// Of the view's content: the same content has the same id.
    pub(crate) id: String,
    /// The run is neither queued nor running.
    pub(crate) done: bool,
    /// The view in one line.
    pub(crate) json: Bytes,
    /// It is at least as new as this.
    pub(crate) since: Instant,
}

impl Sighting {
    /// A run that was read after `since`.
    pub(crate) fn of(run: Run, since: Instant) -> serde_json::Result<Self> {
        let done = !run.status.is_active();
        let json = serde_json::to_vec(&RunView::from(run))?;
        let mut digest = Digest::new();
        digest.update(&json);
        let mut id = digest.finish_hex();
        id.truncate(ID_CHARS);
        Ok(Self { id, done, json: json.into(), since })
    }
}
