//! Requests without a whole answer.

use directory_core::RunErrorCode;

use super::{Fault, protocol, transient};
use crate::transport::{NetworkFault, Unanswered};

/// A request to `host` (for the message) that got no answer, or not all of one.
pub(crate) fn network_fault(host: &str, unanswered: Unanswered) -> Fault {
    let unavailable = |message: String| transient(RunErrorCode::ProviderUnavailable, &message, None);
    let fault = match unanswered.fault {
        NetworkFault::Connect => unavailable(format!("No connection to {host} could be made.")),
        NetworkFault::Timeout => unavailable(format!("{host} did not answer in time.")),
        NetworkFault::Cut => unavailable(format!("The answer of {host} was cut off.")),
        NetworkFault::TooLarge => protocol(
            &format!("The answer of {host} is larger than any that is expected."),
            "Check proxies between this server and Microsoft. If there is none, report this.",
        ),
        NetworkFault::Unsendable => {
            protocol(&format!("A request to {host} could not be made from what was received before."), "Report this.")
        }
    };
    Fault::from(fault).with_request_id(unanswered.request_id)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::error::Again;

    #[rstest]
    #[case(NetworkFault::Connect, RunErrorCode::ProviderUnavailable, Again::Later)]
    #[case(NetworkFault::Timeout, RunErrorCode::ProviderUnavailable, Again::Later)]
    #[case(NetworkFault::Cut, RunErrorCode::ProviderUnavailable, Again::Later)]
    #[case(NetworkFault::TooLarge, RunErrorCode::ProviderProtocol, Again::Never)]
    #[case(NetworkFault::Unsendable, RunErrorCode::ProviderProtocol, Again::Never)]
    fn classes(#[case] fault: NetworkFault, #[case] code: RunErrorCode, #[case] again: Again) {
        let fault = network_fault("graph.example.test", Unanswered { fault, request_id: Some("id".to_owned()) });
        assert_eq!(fault.error.request_id.as_deref(), Some("id"));
        assert_eq!((fault.error.code, fault.again), (code, again));
        assert!(fault.error.message.contains("graph.example.test"));
    }
}
