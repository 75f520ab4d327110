//! A round of a delta query: from the first request or a delta link, over next links, to the next delta link.

use std::collections::BTreeSet;

use actix_web::http::StatusCode;

use super::request::{DeltaRequest, Options, Start};
use super::token::{Place, Round, Step, Token};
use crate::directory::{DeltaRefusal, Key, Model, Stretch};
use crate::graph::error::GraphError;
use crate::graph::page::{Items, Onward, Page};
use crate::graph::{Call, Reply};

/// A request within a round.
pub(super) struct Visit<'a> {
    call: &'a Call<'a>,
    pub(super) options: Options,
    pub(super) round: Round,
    /// Where its page starts.
    pub(super) place: Place,
    /// Whether only what changed is wanted of an object.
    pub(super) minimal: bool,
}

impl<'a> Visit<'a> {
    pub(super) fn begin(call: &'a Call<'a>, model: &Model) -> Result<Self, GraphError> {
        let request = DeltaRequest::of(call.request)?;
        let now = model.changes.end();
        let (options, round, place) = match request.start {
            Start::Everything(options) => (options, Round::Everything { until: now }, Place::default()),
            Start::Now(options) => (options, Round::Changes(Stretch { since: now, until: now }), Place::default()),
            Start::Page(token) => match open(call, &token)? {
                (Step::Page(round, place), options) => (options, round, place),
                (Step::Next { .. }, _) => return Err(badly_formed()),
            },
            Start::Round(token) => match open(call, &token)? {
                (Step::Next { since }, options) => {
                    (options, Round::Changes(Stretch { since, until: now }), Place::default())
                }
                (Step::Page(..), _) => return Err(badly_formed()),
            },
        };
        if let Round::Changes(Stretch { since, .. }) = round
            && !model.changes.remembers(since)
        {
            return Err(refuse(call, &options, model.changes.refusal()));
        }
        Ok(Self { call, options, round, place, minimal: request.minimal })
    }

    /// The objects that the filter names.
    pub(super) fn chosen(&self, model: &Model) -> Option<BTreeSet<Key>> {
        self.options.filter.as_deref().map(|ids| model.keys(ids))
    }

    /// The page, with a link to the next one at `next`, or to the next round.
    pub(super) fn page(&self, set: &str, items: Items, next: Option<Place>) -> Reply {
        let shown = self.options.select.as_ref().map_or_else(String::new, |names| format!("({})", names.join(",")));
        let onward = match next {
            Some(place) => Onward::Next(self.link(Step::Page(self.round, place))),
            None => Onward::Delta(self.link(Step::Next { since: self.round.until() })),
        };
        Reply::Page(Page {
            context: self.call.context(&format!("{set}{shown}")),
            count: None,
            here: self.link(Step::Page(self.round, self.place)),
            onward,
            items,
        })
    }

    fn link(&self, step: Step) -> String {
        let Call { app, tenant, request, origin, .. } = self.call;
        let path = request.path();
        let token = Token { step, options: self.options.written.clone() };
        format!("{origin}{path}?{}", token.seal(&app.sealer, tenant.directory_id, path))
    }
}

fn open(call: &Call<'_>, token: &str) -> Result<(Step, Options), GraphError> {
    let opened = Token::open(&call.app.sealer, call.tenant.directory_id, call.request.path(), token);
    let Token { step, options } = opened.ok_or_else(badly_formed)?;
    Ok((step, Options::parse(&options)?))
}

fn badly_formed() -> GraphError {
    GraphError::bad_request("Badly formed token.")
}

fn refuse(call: &Call<'_>, options: &Options, refusal: &DeltaRefusal) -> GraphError {
    let message = "The token of the delta query has expired. Start again without one.";
    match refusal {
        DeltaRefusal::Code { status, code } => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_REQUEST);
            GraphError::new(status, code.clone(), message)
        }
        DeltaRefusal::Gone => {
            let separator = if options.written.is_empty() { "" } else { "&" };
            let location = format!("{}{}?{}{separator}$deltatoken=", call.origin, call.request.path(), options.written);
            GraphError::new(StatusCode::GONE, "UnknownError", message).leading_to(location)
        }
    }
}
