//! What is counted of requests to Microsoft, for whichever recorder the program has installed.
//!
//! Labels have few and fixed values: which service was asked, and what kind of answer it gave.

use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};

use crate::transport::{Answer, NetworkFault, Unanswered};

/// Requests, by what came of them.
pub const REQUESTS: &str = "directory_provider_requests_total";
/// How long they took.
pub const REQUEST_DURATION: &str = "directory_provider_request_duration_seconds";
/// Waits because of throttling. A counter has whole numbers only, hence a distribution: its sum is the time waited.
pub const THROTTLED: &str = "directory_provider_throttled_seconds";

const PROVIDER: &str = "entra";

/// Tells the recorder what the metrics mean, and begins each counter at 0, so that the first event is seen as one.
pub fn describe() {
    describe_counter!(REQUESTS, "Requests to the directory's services, repeats included, by what came of them");
    describe_histogram!(REQUEST_DURATION, Unit::Seconds, "Time to a request's whole answer, or until there was none");
    describe_histogram!(THROTTLED, Unit::Seconds, "Waits before a repeat because the directory throttled the request");
    for service in [Service::Token, Service::Graph] {
        for outcome in Outcome::ALL {
            requests(service, outcome).increment(0);
        }
    }
}

/// Which of Microsoft's services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Token,
    Graph,
}

impl Service {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Graph => "graph",
        }
    }
}

/// What came of a request, as far as its status tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Ok,
    Throttled,
    /// The service has trouble.
    Unavailable,
    /// The service has an objection.
    Refused,
    /// There was no answer, or half of one.
    Network,
    /// The request or its answer was not within what is sent and taken.
    Unusable,
}

impl Outcome {
    const ALL: [Self; 6] = [Self::Ok, Self::Throttled, Self::Unavailable, Self::Refused, Self::Network, Self::Unusable];

    pub(crate) fn of(answer: &Result<Answer, Unanswered>) -> Self {
        match answer {
            Ok(answer) => match answer.head.status {
                200 => Self::Ok,
                429 => Self::Throttled,
                408 | 500..=599 => Self::Unavailable,
                _ => Self::Refused,
            },
            Err(Unanswered { fault: NetworkFault::Connect | NetworkFault::Timeout | NetworkFault::Cut, .. }) => {
                Self::Network
            }
            Err(Unanswered { fault: NetworkFault::TooLarge | NetworkFault::Unsendable, .. }) => Self::Unusable,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::Refused => "refused",
            Self::Network => "network",
            Self::Unusable => "unusable",
        }
    }
}

pub(crate) fn count(service: Service, outcome: Outcome, took: Duration) {
    requests(service, outcome).increment(1);
    histogram!(REQUEST_DURATION, "provider" => PROVIDER, "service" => service.as_str()).record(took);
}

pub(crate) fn waited(pause: Duration) {
    histogram!(THROTTLED, "provider" => PROVIDER).record(pause);
}

fn requests(service: Service, outcome: Outcome) -> metrics::Counter {
    counter!(REQUESTS, "provider" => PROVIDER, "service" => service.as_str(), "outcome" => outcome.as_str())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::error::AnswerHead;

    #[rstest]
    #[case(200, Outcome::Ok)]
    #[case(204, Outcome::Refused)]
    #[case(302, Outcome::Refused)]
    #[case(401, Outcome::Refused)]
    #[case(408, Outcome::Unavailable)]
    #[case(429, Outcome::Throttled)]
    #[case(503, Outcome::Unavailable)]
    fn statuses(#[case] status: u16, #[case] expected: Outcome) {
        let head = AnswerHead { status, ..AnswerHead::default() };
        assert_eq!(Outcome::of(&Ok(Answer { head, body: Vec::new() })), expected);
    }

    #[test]
    fn no_answer_is_the_networks_or_ours() {
        let of = |fault| Outcome::of(&Err(Unanswered { fault, request_id: None }));
        assert_eq!(
            [of(NetworkFault::Connect), of(NetworkFault::Timeout), of(NetworkFault::Cut)],
            [Outcome::Network; 3]
        );
        assert_eq!([of(NetworkFault::TooLarge), of(NetworkFault::Unsendable)], [Outcome::Unusable; 2]);
    }
}
