//! The application registered in a tenant: its secret, its permissions, its tokens.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::permission::{Grant, Permission};

/// The application registered in a tenant. Clones are handles to the same registration.
#[derive(Clone)]
pub struct Registration {
    state: Arc<Mutex<State>>,
}

struct State {
    secret: String,
    secret_expired: bool,
    permissions: BTreeSet<Permission>,
    tokens: HashMap<String, Issued>,
}

/// What the server remembers of a token: the permissions are the ones at issue.
struct Issued {
    grant: Grant,
    until: Instant,
}

/// How a presented client secret fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecretCheck {
    Right,
    Wrong,
    Expired,
}

/// How a presented access token fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenCheck {
    Good(Grant),
    Expired,
    Unknown,
}

impl Registration {
    pub(crate) fn new(secret: String, permissions: BTreeSet<Permission>) -> Self {
        let state = State { secret, secret_expired: false, permissions, tokens: HashMap::new() };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the consented permissions. Tokens keep those they were issued with.
    pub fn set_permissions(&self, permissions: impl IntoIterator<Item = Permission>) {
        self.state().permissions = permissions.into_iter().collect();
    }

    /// Replaces the client secret with one that has not expired.
    pub fn set_secret(&self, secret: &str) {
        let mut state = self.state();
        secret.clone_into(&mut state.secret);
        state.secret_expired = false;
    }

    /// Lets the client secret expire.
    pub fn expire_secret(&self) {
        self.state().secret_expired = true;
    }

    /// Ends every token: Graph answers the next request of each with 401.
    pub fn revoke_tokens(&self) {
        self.state().tokens.clear();
    }

    pub(crate) fn revoke(&self, token: &str) {
        self.state().tokens.remove(token);
    }

    pub(crate) fn check_secret(&self, secret: &str) -> SecretCheck {
        let state = self.state();
        match (state.secret == secret, state.secret_expired) {
            (false, _) => SecretCheck::Wrong,
            (true, true) => SecretCheck::Expired,
            (true, false) => SecretCheck::Right,
        }
    }

    /// A new opaque token that is accepted for `life`.
    pub(crate) fn issue(&self, life: Duration) -> String {
        let mut state = self.state();
        let now = Instant::now();
        // A token stays known for as long again after it expired, so that it is told apart from one never issued.
        state.tokens.retain(|_, issued| issued.until + life > now);
        let token = random_token();
        let issued = Issued { grant: Grant::of(&state.permissions), until: now + life };
        state.tokens.insert(token.clone(), issued);
        token
    }

    pub(crate) fn check_token(&self, token: &str) -> TokenCheck {
        match self.state().tokens.get(token) {
            None => TokenCheck::Unknown,
            Some(issued) if issued.until <= Instant::now() => TokenCheck::Expired,
            Some(issued) => TokenCheck::Good(issued.grant),
        }
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Registration")
            .field("permissions", &state.permissions)
            .field("secret_expired", &state.secret_expired)
            .finish_non_exhaustive()
    }
}

/// As long as a real one: clients that cap a token's length should notice here.
fn random_token() -> String {
    let bytes: Vec<u8> = (0..72).flat_map(|_| Uuid::new_v4().into_bytes()).collect();
    URL_SAFE_NO_PAD.encode(bytes)
}
