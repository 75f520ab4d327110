//! What came of sending.

use std::time::{Duration, SystemTime};

/// What came of sending a message once. Holds nothing of the answer but its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has it.
    Delivered {
        /// 2xx.
        status: u16,
    },
    /// The receiver answers 410: it wants no more messages at this address.
    Gone,
    /// The receiver may not have it.
    Failed {
        /// Why.
        failure: Failure,
        /// How long the receiver asks to be left alone.
        retry_after: Option<Duration>,
    },
}

/// Why a receiver may not have a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It answered something else than 2xx; a redirect counts as that.
    #[error("the receiver answered with status {0}")]
    Status(u16),
    /// Messages may not go where its address leads.
    #[error("the receiver's address is not on the public internet")]
    Address,
    /// Its name leads nowhere.
    #[error("the receiver's name was not found")]
    Name,
    /// Nobody took the connection.
    #[error("no connection to the receiver could be made")]
    Connect,
    /// What took the connection speaks no TLS, or nobody trusted vouches for it.
    #[error("no trusted TLS connection to the receiver could be made")]
    Tls,
    /// It took too long.
    #[error("the receiver did not answer in time")]
    Timeout,
    /// The connection was lost before an answer had come.
    #[error("the receiver's answer was cut off")]
    Cut,
}

impl Failure {
    /// A word for it, for programs; of a status the same whichever it is.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Status(_) => "status",
            Self::Address => "address_refused",
            Self::Name => "name_not_found",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Cut => "cut",
        }
    }
}

/// What a status and its `Retry-After` mean. `now` is the receiver's, where it tells its time.
pub(crate) fn judge(status: u16, retry_after: Option<&str>, now: SystemTime) -> Outcome {
    match status {
        200..=299 => Outcome::Delivered { status },
        410 => Outcome::Gone,
        _ => Outcome::Failed {
            failure: Failure::Status(status),
            retry_after: retry_after.and_then(|value| parse_retry_after(value, now)),
        },
    }
}

/// Whole seconds, or a date (RFC 9110 §10.2.3).
fn parse_retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit mean "very long".
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    Some(httpdate::parse_http_date(value).ok()?.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn failed(status: u16, seconds: Option<u64>) -> Outcome {
        Outcome::Failed { failure: Failure::Status(status), retry_after: seconds.map(Duration::from_secs) }
    }

    #[rstest]
    #[case(200, None, Outcome::Delivered { status: 200 })]
    #[case(204, Some("9"), Outcome::Delivered { status: 204 })]
    #[case(299, None, Outcome::Delivered { status: 299 })]
    #[case(301, None, failed(301, None))]
    #[case(400, None, failed(400, None))]
    #[case(408, None, failed(408, None))]
    #[case(410, Some("9"), Outcome::Gone)]
    #[case(429, Some("120"), failed(429, Some(120)))]
    #[case(429, Some(" 0 "), failed(429, Some(0)))]
    #[case(429, Some("soon"), failed(429, None))]
    #[case(429, Some(""), failed(429, None))]
    #[case(429, Some("-1"), failed(429, None))]
    #[case(503, Some("99999999999999999999999"), failed(503, Some(u64::MAX)))]
    #[case(503, Some("Sun, 06 Nov 1994 08:50:07 GMT"), failed(503, Some(30)))]
    #[case(503, Some("Sun, 06 Nov 1994 08:49:07 GMT"), failed(503, Some(0)))]
    fn statuses(#[case] status: u16, #[case] retry_after: Option<&str>, #[case] outcome: Outcome) {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(judge(status, retry_after, now), outcome);
    }
}
