//! One connection's reads: token, request, repeats.

use std::sync::Arc;

use directory_core::{FailureKind, ProviderError};
use secrecy::SecretString;

use crate::{
    error::{Fault, graph_fault, login_fault, network_fault, page_fault, token_fault},
    options::Bounds,
    page::BodyFault,
    request::{GraphRequest, Target},
    retry::Patience,
    token::{Issued, TokenCache, parse_token},
    transport::{Answer, Sending, Transport, host_of},
};

/// What was read, and which request to name if it turns out to be unusable.
pub(crate) struct Read<T> {
    pub(crate) value: T,
    pub(crate) request_id: Option<String>,
}

pub(crate) struct GraphClient {
    transport: Arc<Transport>,
    target: Target,
    secret: SecretString,
    tokens: TokenCache,
    bounds: Bounds,
}

impl GraphClient {
    pub(crate) fn new(transport: Arc<Transport>, target: Target, secret: SecretString, bounds: Bounds) -> Self {
        Self { transport, target, secret, tokens: TokenCache::default(), bounds }
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    pub(crate) fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// Sends the request until it is answered, cannot be, or patience ends. Every repeat has the same URL: a page token
    /// that a repeat got would not be accepted after it (protocol reference §2.3).
    pub(crate) async fn read<T>(
        &self,
        request: &GraphRequest,
        parse: fn(&[u8]) -> Result<T, BodyFault>,
        patience: &mut Patience<'_>,
    ) -> Result<Read<T>, ProviderError> {
        loop {
            match self.attempt(request, parse, patience).await {
                Ok(read) => return Ok(read),
                Err(fault) => patience.wait(fault).await?,
            }
        }
    }

    async fn attempt<T>(
        &self,
        request: &GraphRequest,
        parse: fn(&[u8]) -> Result<T, BodyFault>,
        patience: &Patience<'_>,
    ) -> Result<Read<T>, Fault> {
        let token = self.tokens.get(|| self.new_token(sending(patience))).await?;
        let read = match self.transport.read(request, &token, sending(patience)).await {
            Ok(answer) => interpret(request, &answer, parse),
            Err(unanswered) => Err(network_fault(host_of(&request.url), unanswered)),
        };
        if read.as_ref().is_err_and(|fault| fault.error.kind == FailureKind::Configuration) {
            // What the administrator changes now shows in tokens that are issued afterwards (§1.3).
            self.tokens.forget(&token).await;
        }
        read
    }

    async fn new_token(&self, sending: Sending) -> Result<Issued, Fault> {
        let answer = self.transport.token(&self.target, &self.secret, sending).await;
        let answer = answer.map_err(|unanswered| network_fault(host_of(&self.target.token_url()), unanswered))?;
        if !answer.is_success() {
            return Err(login_fault(&answer.head, &answer.body));
        }
        parse_token(&answer.body).map_err(|fault| token_fault(fault).with_request_id(answer.head.request_id))
    }
}

fn sending(patience: &Patience<'_>) -> Sending {
    Sending { timeout: patience.request_timeout(), fresh: patience.is_repeat() }
}

fn interpret<T>(
    request: &GraphRequest,
    answer: &Answer,
    parse: fn(&[u8]) -> Result<T, BodyFault>,
) -> Result<Read<T>, Fault> {
    if !answer.is_success() {
        return Err(graph_fault(request.subject, &answer.head, &answer.body));
    }
    let request_id = answer.head.request_id.clone();
    match parse(&answer.body) {
        Ok(value) => Ok(Read { value, request_id }),
        Err(fault) => Err(page_fault(request.subject, fault).with_request_id(request_id)),
    }
}
