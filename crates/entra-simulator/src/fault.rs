//! Faults that a test scripts: which requests go wrong, and how.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::requests::Route;

/// Something that goes wrong on chosen requests.
///
/// A request is put to the pending faults in the order they were added; the first one that strikes decides, and the
/// later ones do not count the request. A fault that struck as often as it should is gone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fault {
    /// The requests that it is about.
    #[serde(default)]
    pub on: Route,
    /// How many of those to let pass first.
    #[serde(default)]
    pub after: u32,
    /// Of the rest, strike every n-th; 0 and 1 both mean each.
    #[serde(default)]
    pub every: u32,
    /// How often to strike; `None` (null) means without end.
    #[serde(default = "once")]
    pub times: Option<u32>,
    /// What happens.
    pub kind: FaultKind,
}

#[expect(clippy::unnecessary_wraps, reason = "serde wants the field's type")]
const fn once() -> Option<u32> {
    Some(1)
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub enum FaultKind {
    /// An error status, with an error body in the shape of the route that was asked.
    Status {
        /// HTTP status.
        status: u16,
        /// Graph's `error.code`, or the token endpoint's `error`.
        code: String,
        /// `Retry-After`, verbatim.
        #[serde(default)]
        retry_after: Option<String>,
        /// A body to send as plain text instead.
        #[serde(default)]
        text: Option<String>,
    },
    /// The bearer token is revoked, so that this request and every later one with it answers 401.
    RevokeToken,
    /// A request with a page token answers 400 `Directory_ExpiredPageToken`; others are not counted.
    ExpiredPageToken,
    /// A page with an empty `value` and a next link to what should have been there.
    EmptyPage,
    /// A page without `value`.
    MissingValue,
    /// A page whose next link leads to itself.
    LoopingNextLink,
    /// A page whose next link is this one.
    ForeignNextLink {
        /// The link, verbatim.
        url: String,
    },
    /// A page that has each of its objects twice.
    DuplicateItems,
    /// A page that silently lacks its last objects.
    DropItems {
        /// How many are left out.
        count: usize,
    },
    /// JSON that ends in the middle, in a response that is complete by its length.
    TruncatedBody,
    /// Status 200 with a gateway's HTML page.
    NotJson,
    /// Half of the response, then the connection is closed.
    CutConnection,
    /// A JSON document that goes on and on, without a length announced.
    OversizedBody {
        /// How long it gets if the client lets it.
        bytes: u64,
    },
    /// Status 302.
    Redirect {
        /// Where to.
        location: String,
    },
    /// The answer comes this much later.
    Stall {
        /// How much.
        seconds: u64,
    },
}

impl FaultKind {
    /// An error status with a body in the route's shape.
    #[must_use]
    pub fn status(status: u16, code: &str) -> Self {
        Self::Status { status, code: code.to_owned(), retry_after: None, text: None }
    }

    /// Graph's throttling: 429 `TooManyRequests` with this `Retry-After`.
    #[must_use]
    pub fn throttled(retry_after: &str) -> Self {
        Self::Status {
            status: 429,
            code: "TooManyRequests".to_owned(),
            retry_after: Some(retry_after.to_owned()),
            text: None,
        }
    }

    /// The token endpoint's throttling: 429 with a body that is not JSON (protocol/entra.md §1.4).
    #[must_use]
    pub fn throttled_in_plain_text(retry_after: &str) -> Self {
        Self::Status {
            status: 429,
            code: String::new(),
            retry_after: Some(retry_after.to_owned()),
            text: Some("Too Many Requests".to_owned()),
        }
    }

    const fn needs_page(&self) -> bool {
        matches!(
            self,
            Self::EmptyPage
                | Self::MissingValue
                | Self::LoopingNextLink
                | Self::ForeignNextLink { .. }
                | Self::DuplicateItems
                | Self::DropItems { .. }
        )
    }

    fn concerns(&self, route: Route, has_page_token: bool) -> bool {
        match self {
            Self::ExpiredPageToken => has_page_token,
            Self::RevokeToken => route != Route::Token,
            _ => route.has_pages() || !self.needs_page(),
        }
    }
}

impl Fault {
    /// Strikes the next request on these routes, once.
    #[must_use]
    pub const fn new(on: Route, kind: FaultKind) -> Self {
        Self { on, after: 0, every: 1, times: Some(1), kind }
    }

    /// Lets this many requests pass first.
    #[must_use]
    pub const fn after(mut self, requests: u32) -> Self {
        self.after = requests;
        self
    }

    /// Strikes every n-th request.
    #[must_use]
    pub const fn every(mut self, n: u32) -> Self {
        self.every = n;
        self
    }

    /// Strikes this often.
    #[must_use]
    pub const fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Strikes without end.
    #[must_use]
    pub const fn forever(mut self) -> Self {
        self.times = None;
        self
    }
}

/// The faults that are still to strike. Clones are handles to the same script.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    pending: Arc<Mutex<Vec<Pending>>>,
}

#[derive(Debug)]
struct Pending {
    fault: Fault,
    seen: u64,
    struck: u32,
}

impl Faults {
    fn lock(&self) -> MutexGuard<'_, Vec<Pending>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a fault behind the ones that are pending.
    pub fn add(&self, fault: Fault) {
        self.lock().push(Pending { fault, seen: 0, struck: 0 });
    }

    /// Removes every pending fault.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// The faults that are still to strike, as they were added.
    #[must_use]
    pub fn pending(&self) -> Vec<Fault> {
        self.lock().iter().map(|pending| pending.fault.clone()).collect()
    }

    /// What happens to a request.
    pub(crate) fn strike(&self, route: Route, has_page_token: bool) -> Option<FaultKind> {
        let mut pending = self.lock();
        let struck = pending.iter_mut().find_map(|pending| pending.strike(route, has_page_token));
        pending.retain(|pending| !pending.is_spent());
        struck
    }
}

impl Pending {
    fn strike(&mut self, route: Route, has_page_token: bool) -> Option<FaultKind> {
        let fault = &self.fault;
        if self.is_spent() || !fault.on.covers(route) || !fault.kind.concerns(route, has_page_token) {
            return None;
        }
        self.seen += 1;
        let beyond = self.seen.checked_sub(u64::from(fault.after))?;
        if beyond == 0 || !beyond.is_multiple_of(u64::from(fault.every.max(1))) {
            return None;
        }
        self.struck = self.struck.saturating_add(1);
        Some(fault.kind.clone())
    }

    fn is_spent(&self) -> bool {
        self.fault.times.is_some_and(|times| self.struck >= times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of the first twelve requests for users each fault strikes.
    fn strikes(faults: &[Fault]) -> String {
        let script = Faults::default();
        for fault in faults {
            script.add(fault.clone());
        }
        let strike = |_| match script.strike(Route::Users, false) {
            Some(FaultKind::Status { code, .. }) => code,
            _ => ".".to_owned(),
        };
        (0..12).map(strike).collect()
    }

    fn fault(name: &str) -> Fault {
        Fault::new(Route::Users, FaultKind::status(503, name))
    }

    #[test]
    fn a_script_strikes_when_it_says() {
        assert_eq!(strikes(&[fault("a")]), "a...........");
        assert_eq!(strikes(&[fault("a").after(2).times(3)]), "..aaa.......");
        assert_eq!(strikes(&[fault("a").every(4).forever()]), "...a...a...a");
        assert_eq!(strikes(&[fault("a").after(3).every(2).times(2)]), "....a.a.....");
        assert_eq!(strikes(&[fault("a").times(0)]), "............");
        assert_eq!(strikes(&[fault("a").times(2), fault("b")]), "aab.........");
        assert_eq!(strikes(&[fault("a").after(1), fault("b").forever()]), "babbbbbbbbbb");
    }

    #[test]
    fn a_fault_strikes_only_what_it_is_about() {
        let faults = Faults::default();
        faults.add(Fault::new(Route::Graph, FaultKind::NotJson));
        faults.add(Fault::new(Route::Any, FaultKind::EmptyPage));
        faults.add(Fault::new(Route::Any, FaultKind::ExpiredPageToken));
        assert_eq!(faults.strike(Route::Token, false), None);
        assert_eq!(faults.strike(Route::User, false), Some(FaultKind::NotJson));
        assert_eq!(faults.strike(Route::User, false), None);
        assert_eq!(faults.strike(Route::Users, false), Some(FaultKind::EmptyPage));
        assert_eq!(faults.strike(Route::Users, false), None);
        assert_eq!(faults.strike(Route::Users, true), Some(FaultKind::ExpiredPageToken));
        assert!(faults.pending().is_empty());
    }

    #[test]
    fn a_fault_reads_as_it_is_documented() {
        let json = r#"{"on":"users","after":1,"kind":{"type":"status","status":429,"code":"TooManyRequests","retryAfter":"1"}}"#;
        let fault: Fault = serde_json::from_str(json).expect("valid");
        assert_eq!(fault.every, 0);
        assert_eq!(fault.times, Some(1));
        assert_eq!(fault.kind, FaultKind::throttled("1"));
        let endless: Fault = serde_json::from_str(r#"{"times":null,"kind":{"type":"emptyPage"}}"#).expect("valid");
        assert_eq!((endless.on, endless.times), (Route::Any, None));
        assert!(serde_json::from_str::<Fault>(r#"{"kind":{"type":"emptyPage"},"sometimes":1}"#).is_err());
    }
}
