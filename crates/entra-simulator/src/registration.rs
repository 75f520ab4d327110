//! The application registered in a tenant: its credentials, its permissions, its tokens.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use uuid::Uuid;

use crate::assertion::{AssertionFault, Expected, Trust, TrustError};
use crate::permission::{Grant, Permission};

/// The application registered in a tenant. Clones are handles to the same registration.
#[derive(Clone)]
pub struct Registration {
    state: Arc<Mutex<State>>,
}

struct State {
    secret: String,
    secret_expired: bool,
    trust: Trust,
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
        let state =
            State { secret, secret_expired: false, trust: Trust::default(), permissions, tokens: HashMap::new() };
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

    /// Accepts client assertions signed with the key of this certificate, PEM; with several, of any of them. A private
    /// key beside it is passed over.
    ///
    /// # Errors
    /// The text holds no certificate, or one that cannot be read; then none of it is trusted.
    pub fn trust_certificate(&self, pem: &str) -> Result<(), TrustError> {
        self.state().trust.add_certificates(pem)
    }

    /// Accepts this text as a client assertion, as if a federated credential matched it.
    pub fn trust_federated_token(&self, text: &str) {
        self.state().trust.add_federated(text);
    }

    /// Accepts no client assertion any more.
    pub fn distrust_assertions(&self) {
        self.state().trust.clear();
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

    pub(crate) fn check_assertion(&self, assertion: &str, expected: &Expected<'_>) -> Result<(), AssertionFault> {
        self.state().trust.check(assertion, expected)
    }

    /// A new token that is accepted for `life`.
    pub(crate) fn issue(&self, life: Duration) -> String {
        let mut state = self.state();
        let now = Instant::now();
        // A token stays known for as long again after it expired, so that it is told apart from one never issued.
        state.tokens.retain(|_, issued| issued.until + life > now);
        let token = new_token(&state.permissions);
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

/// Of the shape of a real one, with the permissions in it where there are any, and as long: clients that cap a token's
/// length should notice here. Nobody can verify it, which nobody but Graph is to do.
fn new_token(permissions: &BTreeSet<Permission>) -> String {
    let mut claims = json!({"aud": "https://graph.microsoft.com", "idtyp": "app"});
    if !permissions.is_empty() {
        claims["roles"] = json!(permissions);
    }
    let signature: Vec<u8> = (0..72).flat_map(|_| Uuid::new_v4().into_bytes()).collect();
    let header = URL_SAFE_NO_PAD.encode(json!({"typ": "JWT", "alg": "RS256"}).to_string());
    format!("{header}.{}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()), URL_SAFE_NO_PAD.encode(signature))
}
