//! Responses that are wrong on the wire.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::{StatusCode, header};
use actix_web::web::Bytes;
use actix_web::{HttpResponse, HttpResponseBuilder, rt::time};

use crate::fault::FaultKind;

/// The response of a fault that does not need to know what was asked. A stall only takes its time here.
pub(crate) async fn instead(fault: &FaultKind) -> Option<HttpResponse> {
    match fault {
        FaultKind::Stall { seconds } => {
            time::sleep(Duration::from_secs(*seconds)).await;
            None
        }
        FaultKind::Redirect { location } => {
            let location = (header::LOCATION, location.as_str());
            Some(HttpResponse::Found().insert_header(location).finish())
        }
        FaultKind::NotJson => {
            let page = "<!DOCTYPE html><html><body><h1>Gateway</h1><p>Our services are not available right now.</p></body></html>";
            Some(HttpResponse::Ok().content_type("text/html").body(page))
        }
        FaultKind::OversizedBody { bytes } => {
            let body = Endless::new(*bytes);
            Some(HttpResponse::Ok().content_type("application/json").body(body))
        }
        FaultKind::Status { text: Some(text), .. } => {
            let mut response = error_status(fault);
            Some(response.content_type("text/plain").body(text.clone()))
        }
        _ => None,
    }
}

/// The start of a scripted error response; 500 if the script names no status that exists.
pub(crate) fn error_status(fault: &FaultKind) -> HttpResponseBuilder {
    let FaultKind::Status { status, retry_after, .. } = fault else {
        return HttpResponse::InternalServerError();
    };
    let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    if let Some(retry_after) = retry_after {
        response.insert_header((header::RETRY_AFTER, retry_after.as_str()));
    }
    response
}

/// Finishes a response, spoiling its body if the fault says so.
pub(crate) fn finish(mut response: HttpResponseBuilder, mut body: String, fault: Option<&FaultKind>) -> HttpResponse {
    match fault {
        Some(FaultKind::TruncatedBody) => {
            let mut half = body.len() / 2;
            while !body.is_char_boundary(half) {
                half -= 1;
            }
            body.truncate(half);
            response.body(body)
        }
        Some(FaultKind::CutConnection) => response.body(Cut::new(body)),
        _ => response.body(body),
    }
}

/// Announces the whole body, sends half of it, and breaks off.
struct Cut {
    announced: u64,
    half: Option<Bytes>,
    flushed: bool,
}

impl Cut {
    fn new(body: String) -> Self {
        let body = Bytes::from(body);
        Self { announced: body.len() as u64, half: Some(body.slice(..body.len() / 2)), flushed: false }
    }
}

impl MessageBody for Cut {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.announced)
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        if let Some(half) = self.half.take() {
            return Poll::Ready(Some(Ok(half)));
        }
        if !self.flushed {
            // The server writes out what it has while it waits; without this the half would never leave.
            self.flushed = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(io::Error::other("the connection is cut on purpose"))))
    }
}

/// `{"value":[` and then spaces: valid so far at every point, and never worth parsing.
struct Endless {
    left: u64,
    opened: bool,
}

impl Endless {
    const CHUNK: &[u8] = &[b' '; 16 * 1024];

    const fn new(bytes: u64) -> Self {
        Self { left: bytes, opened: false }
    }
}

impl MessageBody for Endless {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        if !self.opened {
            self.opened = true;
            return Poll::Ready(Some(Ok(Bytes::from_static(b"{\"value\":["))));
        }
        let size = Self::CHUNK.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if size == 0 {
            return Poll::Ready(None);
        }
        self.left -= size as u64;
        Poll::Ready(Some(Ok(Bytes::from_static(&Self::CHUNK[..size]))))
    }
}
