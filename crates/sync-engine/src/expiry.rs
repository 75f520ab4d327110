//! Looking out for credentials that end: a line in the log for each that has come nearer its end, and how many there are.

use std::collections::HashMap;

use chrono::{DateTime, SecondsFormat, Utc};
use directory_core::{ConnectionId, ExpiryWarning};
use store::{ExpiringCredential, Store, StoreError};

use crate::metrics::CREDENTIALS_EXPIRING;

/// Credentials read at a time.
const PAGE: u32 = 500;

const HINT: &str = "make a new one in the directory and give it to the connection: `directoryctl connection set-secret`, \
                    or PUT /api/directory/connections/{id}/credential";

/// What the looks before have said, so that each thing is said once.
#[derive(Default)]
pub(crate) struct ExpiryWatch {
    said: HashMap<ConnectionId, Said>,
}

/// The end of which it was said, since another credential may be as near its own.
type Said = (ExpiryWarning, DateTime<Utc>);

impl ExpiryWatch {
    /// Looks at every tenant's credentials. After a look that fails half-way, the next one goes by what was said before it
    /// and in it.
    pub(crate) async fn look(&mut self, store: &dyn Store, now: DateTime<Utc>) -> Result<(), StoreError> {
        let mut seen = HashMap::new();
        let mut after = None;
        loop {
            let page = store.expiring_credentials(now + ExpiryWarning::HORIZON, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some((last.tenant, last.connection));
            for credential in &page {
                let warning = ExpiryWarning::of(credential.expires_at.into(), now.into());
                let Some(warning) = warning else { continue };
                let said = (warning, credential.expires_at);
                seen.insert(credential.connection, said);
                if self.said.insert(credential.connection, said) != Some(said) {
                    tell(credential, warning);
                }
            }
        }
        count(&seen);
        self.said = seen;
        Ok(())
    }
}

fn tell(credential: &ExpiringCredential, warning: ExpiryWarning) {
    let ExpiringCredential { tenant, connection, kind, expires_at } = credential;
    let kind = kind.as_str();
    let expires_at = expires_at.to_rfc3339_opts(SecondsFormat::Secs, true);
    if warning == ExpiryWarning::Expired {
        tracing::error!(
            %tenant, connection_id = %connection, kind, expires_at, warning = warning.as_str(), hint = HINT,
            "a connection's credential has ended: it cannot synchronise"
        );
    } else {
        tracing::warn!(
            %tenant, connection_id = %connection, kind, expires_at, warning = warning.as_str(), hint = HINT,
            "a connection's credential ends soon: from then on it cannot synchronise"
        );
    }
}

/// Every label is set each time: one that nothing falls under any more is 0, and does not keep its last number.
fn count(seen: &HashMap<ConnectionId, Said>) {
    for warning in ExpiryWarning::ALL {
        let within = match warning {
            ExpiryWarning::Days30 => "30d",
            ExpiryWarning::Days7 => "7d",
            ExpiryWarning::Day1 => "1d",
            ExpiryWarning::Expired => "expired",
        };
        let number = seen.values().filter(|(said, _)| *said == warning).count();
        // Exact far beyond any number of connections.
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        metrics::gauge!(CREDENTIALS_EXPIRING, "within" => within).set(f64::from(number));
    }
}
