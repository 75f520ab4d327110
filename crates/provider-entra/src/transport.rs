//! One request and its answer, bounded in time and size. Redirects are never followed.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use reqwest::{Client, ClientBuilder, RequestBuilder, Response, StatusCode, header::HeaderMap, redirect};
use secrecy::{ExposeSecret, SecretString};
use tracing::{Instrument, Span, debug, field::Empty};
use uuid::Uuid;

use crate::{
    credential::Proof,
    error::AnswerHead,
    json::word,
    metrics::{self, Outcome, Service},
    options::{Bounds, EntraOptions, SetupError},
    request::{GraphRequest, Target},
    retry::parse_retry_after,
};

/// Why there is no whole answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NetworkFault {
    Connect,
    Timeout,
    Cut,
    TooLarge,
    Unsendable,
}

/// A request without a whole answer; the id is known if the answer had begun.
#[derive(Debug)]
pub(crate) struct Unanswered {
    pub(crate) fault: NetworkFault,
    pub(crate) request_id: Option<String>,
}

/// An answer with its body, decompressed.
pub(crate) struct Answer {
    pub(crate) head: AnswerHead,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Only 200 carries what was asked for; another success would be as strange as a failure.
    pub(crate) fn is_success(&self) -> bool {
        self.head.status == StatusCode::OK.as_u16()
    }
}

/// How a request is sent.
#[derive(Clone, Copy)]
pub(crate) struct Sending {
    pub(crate) timeout: Duration,
    /// On a connection of its own: the one that a request failed on may lead to a broken server (§5.2).
    pub(crate) fresh: bool,
}

/// The connections to Microsoft, shared by everything that a factory makes.
pub(crate) struct Transport {
    pooled: Client,
    fresh: Client,
    bounds: Bounds,
}

impl Transport {
    pub(crate) fn new(options: &EntraOptions) -> Result<Self, SetupError> {
        let builder = || client_builder(options);
        Ok(Self {
            pooled: builder().build().map_err(SetupError::Client)?,
            fresh: builder().pool_max_idle_per_host(0).build().map_err(SetupError::Client)?,
            bounds: options.bounds.clone(),
        })
    }

    /// Asks for a token. What proves the client's identity is in the body and nowhere else.
    pub(crate) async fn token(
        &self,
        target: &Target,
        proof: &Proof<'_>,
        sending: Sending,
    ) -> Result<Answer, Unanswered> {
        let client_id = target.client_id.to_string();
        let scope = target.cloud.token_scope();
        let mut form =
            vec![("grant_type", "client_credentials"), ("client_id", client_id.as_str()), ("scope", scope.as_str())];
        form.extend(proof.parameters());
        let request = self.client(sending).post(target.token_url()).form(&form);
        self.send(Service::Token, request, sending, self.bounds.token_bytes).await
    }

    /// Reads from Graph.
    pub(crate) async fn read(
        &self,
        request: &GraphRequest,
        token: &Arc<SecretString>,
        sending: Sending,
    ) -> Result<Answer, Unanswered> {
        // `bearer_auth` marks the header as sensitive, so that no log of a lower layer shows it.
        let mut builder = self.client(sending).get(request.url.clone()).bearer_auth(token.expose_secret());
        if request.eventual {
            builder = builder.header("ConsistencyLevel", "eventual");
        }
        self.send(Service::Graph, builder, sending, self.bounds.page_bytes).await
    }

    fn client(&self, sending: Sending) -> &Client {
        if sending.fresh { &self.fresh } else { &self.pooled }
    }

    async fn send(
        &self,
        service: Service,
        request: RequestBuilder,
        sending: Sending,
        limit: usize,
    ) -> Result<Answer, Unanswered> {
        let client_request_id = Uuid::new_v4();
        let span = tracing::info_span!(
            "provider_request",
            service = service.as_str(),
            %client_request_id,
            provider_request_id = Empty,
            outcome = Empty
        );
        let request = request
            .timeout(sending.timeout)
            .header("client-request-id", client_request_id.to_string())
            .header("accept", "application/json");
        let asked_at = Instant::now();
        let answer = async {
            match request.send().await {
                Ok(response) => self.receive(response, limit).await,
                Err(error) => Err(Unanswered { fault: fault_of(&error), request_id: None }),
            }
        };
        let answer = answer.instrument(span.clone()).await;
        let outcome = Outcome::of(&answer);
        metrics::count(service, outcome, asked_at.elapsed());
        span.record("outcome", outcome.as_str());
        span.in_scope(|| note(&span, &answer));
        answer
    }

    async fn receive(&self, mut response: Response, limit: usize) -> Result<Answer, Unanswered> {
        let head = head_of(&response);
        if response.status() == StatusCode::OK {
            return match read_body(&mut response, limit).await {
                Ok(body) => Ok(Answer { head, body }),
                Err(fault) => Err(Unanswered { fault, request_id: head.request_id }),
            };
        }
        // The status says most of it: an explanation that is cut off or endless is done without.
        let body = read_body(&mut response, self.bounds.error_bytes).await.unwrap_or_default();
        Ok(Answer { head, body })
    }
}

/// What all clients have in common.
pub(crate) fn client_builder(options: &EntraOptions) -> ClientBuilder {
    install_crypto();
    let builder = Client::builder()
        .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .referer(false)
        .https_only(options.all_tls())
        .connect_timeout(options.bounds.connect_timeout)
        .read_timeout(options.bounds.read_timeout);
    // Against a simulator there is no certificate to check and no proxy to pass.
    if options.all_plain() { builder.no_proxy().tls_certs_only([]) } else { builder }
}

/// What support asks for, on the span and in the log.
fn note(span: &Span, answer: &Result<Answer, Unanswered>) {
    let request_id = match answer {
        Ok(answer) => answer.head.request_id.as_deref(),
        Err(unanswered) => unanswered.request_id.as_deref(),
    };
    span.record("provider_request_id", request_id);
    match answer {
        Ok(answer) => debug!(status = answer.head.status, bytes = answer.body.len(), "answered"),
        Err(Unanswered { fault, .. }) => debug!(?fault, "not answered"),
    }
}

/// `rustls` without a default provider makes `reqwest` panic. A program that chose one keeps it; one that did not is
/// given the one that this crate is built with, as `rustls` itself does where it can tell.
fn install_crypto() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Fails only if another thread has just installed one, which will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

/// Counts what comes out of decompression, so that a small answer cannot grow without bounds.
async fn read_body(response: &mut Response, limit: usize) -> Result<Vec<u8>, NetworkFault> {
    let announced = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    if announced > limit {
        return Err(NetworkFault::TooLarge);
    }
    let mut body = Vec::with_capacity(announced);
    while let Some(chunk) = response.chunk().await.map_err(|error| fault_of(&error))? {
        if body.len() + chunk.len() > limit {
            return Err(NetworkFault::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn fault_of(error: &reqwest::Error) -> NetworkFault {
    if error.is_builder() {
        NetworkFault::Unsendable
    } else if error.is_timeout() {
        NetworkFault::Timeout
    } else if error.is_connect() {
        NetworkFault::Connect
    } else {
        NetworkFault::Cut
    }
}

fn head_of(response: &Response) -> AnswerHead {
    let headers = response.headers();
    // Graph's name for the id first, then the login service's.
    let request_id = text(headers, "request-id").or_else(|| text(headers, "x-ms-request-id")).and_then(word);
    // A date is relative to the sender's clock, which it tells.
    let now = text(headers, "date").and_then(|date| httpdate::parse_http_date(date).ok());
    let retry_after =
        text(headers, "retry-after").and_then(|value| parse_retry_after(value, now.unwrap_or_else(SystemTime::now)));
    AnswerHead { status: response.status().as_u16(), retry_after, request_id }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The name of a host in messages.
pub(crate) fn host_of(url: &reqwest::Url) -> &str {
    url.host_str().unwrap_or("the host")
}
