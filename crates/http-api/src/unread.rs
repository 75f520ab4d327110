//! Request bodies that nobody reads to their end.
//!
//! When the last handle of a chunked body is gone, the framework reads on, without a limit of time or size, so as to keep
//! the connection: a client that never ends its body, with or without a token, would hold it for ever. While a handle
//! exists when the answer is complete, the framework closes the connection instead, in good order and in limited time.
//! So the answer holds one.

use std::{
    cell::RefCell,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use actix_web::{
    HttpMessage,
    body::{BodySize, BoxBody, MessageBody},
    dev::{Payload, ServiceRequest},
    error::PayloadError,
    web::Bytes,
};
use futures_util::Stream;

/// A request's body, held once more.
pub(crate) struct Held(Option<Rc<RefCell<Payload>>>);

impl Held {
    /// Shares the body between the request and what is returned.
    pub(crate) fn of(request: &mut ServiceRequest) -> Self {
        match request.take_payload() {
            Payload::None => Self(None),
            payload => {
                let payload = Rc::new(RefCell::new(payload));
                request.set_payload(Payload::Stream { payload: Box::pin(Shared(Rc::clone(&payload))) });
                Self(Some(payload))
            }
        }
    }

    /// Keeps the request's body for as long as the answer's.
    pub(crate) fn hold(self, body: BoxBody) -> BoxBody {
        match self.0 {
            Some(payload) => BoxBody::new(Holding { body, _payload: payload }),
            None => body,
        }
    }
}

struct Shared(Rc<RefCell<Payload>>);

impl Stream for Shared {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_next(cx)
    }
}

struct Holding {
    body: BoxBody,
    _payload: Rc<RefCell<Payload>>,
}

impl MessageBody for Holding {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(cx)
    }
}
