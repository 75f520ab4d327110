//! A directory in memory, listed through the port.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use directory_core::{DirectoryProvider, FailureKind, ListingEnd, ProviderError, RunErrorCode, fake::FakeDirectory};

use crate::world::{page, person};

/// The fake never waits, so one poll is enough and no runtime is needed.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the fake directory waits for nothing"),
    }
}

#[test]
fn pages_come_in_order_and_then_the_end() {
    let directory = FakeDirectory::complete(vec![page([person("ann")]), vec![], page([person("bob")])]);
    let mut listing = now(directory.list()).unwrap();
    for expected in [1, 0, 1] {
        let page = now(listing.next_page()).unwrap();
        assert_eq!((page.entries.len(), page.end), (expected, None));
    }
    assert_eq!(now(listing.next_page()).unwrap().end, Some(ListingEnd::Complete));
}

#[test]
fn a_failure_is_no_end() {
    let error = ProviderError {
        kind: FailureKind::Protocol,
        code: RunErrorCode::ProviderProtocol,
        message: "cut short".to_owned(),
        hint: String::new(),
        request_id: None,
    };
    let directory = FakeDirectory::failing(vec![page([person("ann")])], error.clone());
    let mut listing = now(directory.list()).unwrap();
    assert!(now(listing.next_page()).unwrap().end.is_none());
    assert_eq!(now(listing.next_page()).unwrap_err(), error);
    assert_eq!(directory_core::first_failure(now(directory.verify())).unwrap_err(), error);
}
