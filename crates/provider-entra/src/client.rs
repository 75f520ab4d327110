//! One connection's reads: token, request, repeats.

use std::sync::Arc;

use directory_core::{FailureKind, ProviderError};
use secrecy::SecretString;

use crate::{
    credential::ClientCredential,
    error::{Again, Fault, graph_fault, login_fault, network_fault, page_fault, token_fault},
    options::Bounds,
    page::BodyFault,
    request::{GraphRequest, Target},
    retry::Patience,
    token::{Issued, TokenCache, parse_token},
    transport::{Answer, NetworkFault, Sending, Transport, Unanswered, host_of},
};

/// What was read, and which request to name if it turns out to be unusable.
pub(crate) struct Read<T> {
    pub(crate) value: T,
    pub(crate) request_id: Option<String>,
}

pub(crate) struct GraphClient {
    transport: Arc<Transport>,
    target: Target,
    credential: ClientCredential,
    tokens: TokenCache,
    bounds: Bounds,
}

impl GraphClient {
    pub(crate) fn new(transport: Arc<Transport>, target: Target, credential: ClientCredential, bounds: Bounds) -> Self {
        Self { transport, target, credential, tokens: TokenCache::default(), bounds }
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    pub(crate) fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// The token that is kept, or a new one.
    pub(crate) async fn token(&self, patience: &mut Patience<'_>) -> Result<Arc<SecretString>, ProviderError> {
        loop {
            match self.current_token(patience).await {
                Ok(token) => return Ok(token),
                Err(fault) => patience.wait(fault).await?,
            }
        }
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
        let graph = host_of(&request.url);
        // What came before was Graph's: an earlier probe of a verification.
        sending(patience, graph)?;
        let login = self.target.token_url();
        let login = host_of(&login);
        let token = self.current_token(patience).await?;
        let read = match self.transport.read(request, &token, sending(patience, login)?).await {
            Ok(answer) => interpret(request, &answer, parse),
            Err(unanswered) => Err(network_fault(graph, unanswered)),
        };
        if read.as_ref().is_err_and(is_for_this_token) {
            self.tokens.forget(&token).await;
        }
        read
    }

    async fn current_token(&self, patience: &Patience<'_>) -> Result<Arc<SecretString>, Fault> {
        self.tokens.get(async || self.new_token(patience).await).await
    }

    async fn new_token(&self, patience: &Patience<'_>) -> Result<Issued, Fault> {
        let url = self.target.token_url();
        let login = host_of(&url);
        let proof = self.credential.proof(self.target.client_id, &url).await?;
        let answer = self.transport.token(&self.target, &proof, sending(patience, login)?).await;
        let answer = answer.map_err(|unanswered| network_fault(login, unanswered))?;
        if !answer.is_success() {
            return Err(login_fault(self.credential.kind(), &answer.head, &answer.body));
        }
        parse_token(&answer.body).map_err(|fault| token_fault(fault).with_request_id(answer.head.request_id))
    }
}

/// For a request that starts now, unless `earlier`, the host asked before it, has used up the time for it.
fn sending(patience: &Patience<'_>, earlier: &str) -> Result<Sending, Fault> {
    let timeout = patience.request_timeout();
    if timeout.is_zero() {
        return Err(network_fault(earlier, Unanswered { fault: NetworkFault::Timeout, request_id: None }));
    }
    Ok(Sending { timeout, fresh: patience.is_repeat() })
}

/// Whether the next token may fare better: what the administrator changes now shows in tokens that are issued
/// afterwards (protocol reference §1.3).
fn is_for_this_token(fault: &Fault) -> bool {
    fault.error.kind == FailureKind::Configuration || fault.again == Again::WithNewToken
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use directory_core::{ConnectionSettings, Credential};

    use super::*;
    use crate::{EntraOptions, page::parse_page};

    const BUDGET: Duration = Duration::from_secs(5);

    fn client() -> GraphClient {
        let options = EntraOptions {
            login_url: Some("http://127.0.0.1:9".parse().expect("URL")),
            graph_url: Some("http://localhost:9".parse().expect("URL")),
            bounds: Bounds { page_budget: BUDGET, ..Bounds::default() },
            ..EntraOptions::default()
        };
        let settings = ConnectionSettings {
            directory_id: "9b2a6c1e-3f4d-4a5b-8c6d-7e8f90a1b2c3".to_owned(),
            client_id: "11111111-2222-4333-8444-555555555555".to_owned(),
            group_id: None,
            include_nested_groups: false,
            cloud: None,
        };
        let target = Target::new(&settings, options.login_url.as_ref(), options.graph_url.as_ref()).expect("target");
        let transport = Arc::new(Transport::new(&options).expect("transport"));
        let secret = Credential::ClientSecret("secret".to_owned().into());
        let credential = ClientCredential::new(secret, None).expect("credential");
        GraphClient::new(transport, target, credential, options.bounds)
    }

    async fn issue_after(client: &GraphClient, wait: Duration) {
        let issue = async || {
            tokio::time::sleep(wait).await;
            Ok::<_, ()>(Issued { token: "token".to_owned().into(), life: Duration::from_hours(1) })
        };
        client.tokens.get(issue).await.expect("issued");
    }

    #[tokio::test(start_paused = true)]
    async fn a_login_that_takes_all_the_time_is_what_failed() {
        let client = client();
        let request = client.target.listing();
        let mut patience = Patience::for_page(&client.bounds);
        let slow_login = issue_after(&client, BUDGET);
        let ((), read) = tokio::join!(slow_login, client.read(&request, parse_page, &mut patience));
        let error = read.err().expect("no time left");
        assert_eq!(error.message, "127.0.0.1 did not answer in time.");
    }

    #[tokio::test(start_paused = true)]
    async fn time_that_was_gone_before_is_not_the_logins_fault() {
        let client = client();
        issue_after(&client, Duration::ZERO).await;
        let mut patience = Patience::for_page(&client.bounds);
        tokio::time::advance(BUDGET).await;
        let read = client.read(&client.target.listing(), parse_page, &mut patience).await;
        assert_eq!(read.err().expect("no time left").message, "localhost did not answer in time.");
    }
}
