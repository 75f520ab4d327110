//! What the API counts, for whichever recorder the program has installed.
//!
//! Labels have few and fixed values: a route is its pattern, never a path, which holds ids.

use std::time::Duration;

use actix_web::http::Method;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

/// Requests, by method, route and status.
pub const REQUESTS: &str = "directory_http_requests_total";
/// Time to a response's head.
pub const REQUEST_DURATION: &str = "directory_http_request_duration_seconds";
/// Requests whose response has not begun.
pub const IN_FLIGHT: &str = "directory_http_requests_in_flight";

/// Of requests to what is not there.
pub(crate) const UNMATCHED: &str = "unmatched";

/// Tells the recorder what the metrics mean.
pub fn describe() {
    describe_counter!(REQUESTS, "Requests by method, route and status; what is not there is the route unmatched");
    describe_histogram!(
        REQUEST_DURATION,
        Unit::Seconds,
        "Time to the head of a response; waits that were asked for count"
    );
    describe_gauge!(IN_FLIGHT, "Requests whose response has not begun");
    gauge!(IN_FLIGHT).increment(0.0);
}

/// A request that is being answered, until it is dropped: also when its client leaves.
pub(crate) struct InFlight;

impl InFlight {
    pub(crate) fn begin() -> Self {
        gauge!(IN_FLIGHT).increment(1.0);
        Self
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        gauge!(IN_FLIGHT).decrement(1.0);
    }
}

pub(crate) fn served(method: &Method, route: Option<&str>, status: u16, took: Duration) {
    let route = route.unwrap_or(UNMATCHED).to_owned();
    histogram!(REQUEST_DURATION, "route" => route.clone()).record(took);
    let status = status.to_string();
    counter!(REQUESTS, "method" => method_word(method), "route" => route, "status" => status).increment(1);
}

/// Anybody can make methods up.
fn method_word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_methods_are_one() {
        assert_eq!(method_word(&Method::PATCH), "PATCH");
        assert_eq!(method_word(&Method::from_bytes(b"ADA").unwrap()), "other");
        assert_eq!(method_word(&Method::TRACE), "other");
    }
}
