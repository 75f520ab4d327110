//! Whether Microsoft's hosts answer at all, and what their clocks say: what there is to find out without a credential.

use std::{
    error::Error,
    io,
    time::{Duration, Instant, SystemTime},
};

use reqwest::{Client, header::DATE};
use tokio::{net::lookup_host, time::timeout};
use url::Url;

use crate::{
    Cloud,
    options::{EntraOptions, SetupError},
    transport::client_builder,
};

/// To open a connection, name and TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// To look a name up that no connection could be opened to.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(2);
/// For the whole answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// A host that answered, whatever it answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// The answer's HTTP status.
    pub status: u16,
    /// From the first step to the answer's head.
    pub took: Duration,
    /// How far the host's clock is from this machine's; `None` where it does not tell the time. It tells whole seconds.
    pub clock: Option<Skew>,
}

/// The difference between another clock and this machine's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skew {
    /// How far they are apart.
    pub apart: Duration,
    /// Whether the other clock is ahead.
    pub ahead: bool,
}

/// Why there was no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreached {
    /// The name has no address.
    #[error("its name cannot be resolved")]
    Name,
    /// There is no TLS connection to it that can be trusted.
    #[error("there is no trusted TLS connection to it")]
    Tls,
    /// It took too long.
    #[error("it does not answer in time")]
    Timeout,
    /// Nobody takes the connection.
    #[error("the connection is refused")]
    Connect,
    /// There was no whole answer.
    #[error("it breaks the connection off")]
    Cut,
}

/// Asks hosts whether they are there.
#[derive(Debug)]
pub struct Probe {
    client: Client,
}

impl Skew {
    /// How another clock's time differs from this one's.
    #[must_use]
    pub fn between(other: SystemTime, here: SystemTime) -> Self {
        match other.duration_since(here) {
            Ok(apart) => Self { apart, ahead: true },
            Err(behind) => Self { apart: behind.duration(), ahead: false },
        }
    }
}

impl Probe {
    /// Reaches hosts in the way in which a provider with these options does.
    pub fn new(options: &EntraOptions) -> Result<Self, SetupError> {
        options.check()?;
        let client = client_builder(options).connect_timeout(CONNECT_TIMEOUT).timeout(ANSWER_TIMEOUT).build();
        Ok(Self { client: client.map_err(SetupError::Client)? })
    }

    /// Asks one host. Sends nothing but the request for its address, and follows no redirect.
    pub async fn reach(&self, url: &Url) -> Result<Reached, Unreached> {
        let (began, clock) = (Instant::now(), SystemTime::now());
        let answer = match self.client.get(url.clone()).send().await {
            Ok(answer) => answer,
            Err(error) => return Err(unreached(url, &error).await),
        };
        let took = began.elapsed();
        let date = answer.headers().get(DATE).and_then(|date| date.to_str().ok());
        let date = date.and_then(|date| httpdate::parse_http_date(date).ok());
        // It was written somewhere between the two ends of the exchange.
        let clock = date.map(|date| Skew::between(date, clock + took / 2));
        Ok(Reached { status: answer.status().as_u16(), took, clock })
    }
}

/// Where a connection in this cloud gets its tokens and its users from: the login service, then Graph.
#[must_use]
pub fn hosts(cloud: Cloud, options: &EntraOptions) -> [Option<Url>; 2] {
    let host = |override_url: &Option<Url>, usual: &str| override_url.clone().or_else(|| Url::parse(usual).ok());
    [host(&options.login_url, cloud.login_url()), host(&options.graph_url, cloud.graph_url())]
}

async fn unreached(url: &Url, error: &reqwest::Error) -> Unreached {
    if is_tls(error) {
        Unreached::Tls
    } else if error.is_timeout() {
        Unreached::Timeout
    } else if !error.is_connect() {
        Unreached::Cut
    } else if has_address(url).await {
        Unreached::Connect
    } else {
        Unreached::Name
    }
}

/// Looked up once more, since the error does not always tell which step of connecting failed.
async fn has_address(url: &Url) -> bool {
    let Some((host, port)) = url.host_str().zip(url.port_or_known_default()) else { return false };
    // An IPv6 address stands in brackets in a URL alone.
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match timeout(LOOKUP_TIMEOUT, lookup_host((host, port))).await {
        Ok(Ok(mut addresses)) => addresses.next().is_some(),
        Ok(Err(_)) | Err(_) => false,
    }
}

fn is_tls(error: &reqwest::Error) -> bool {
    let mut next = error.source();
    while let Some(cause) = next {
        if cause.is::<rustls::Error>() {
            return true;
        }
        // An error of input and output leaves what it wraps out of the chain of sources, and may wrap another such error.
        let wrapped = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = wrapped.map(|inner| inner as &(dyn Error + 'static)).or_else(|| cause.source());
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skew_has_a_direction() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(1);
        let minute = Duration::from_mins(1);
        assert_eq!(Skew::between(now + minute, now), Skew { apart: minute, ahead: true });
        assert_eq!(Skew::between(now - minute, now), Skew { apart: minute, ahead: false });
    }

    #[test]
    fn hosts_are_the_clouds_unless_others_stand_in() {
        let named = |[login, graph]: [Option<Url>; 2]| (login.unwrap().to_string(), graph.unwrap().to_string());
        let own = named(hosts(Cloud::China, &EntraOptions::default()));
        assert_eq!(own.0, "https://login.partner.microsoftonline.cn/");
        assert_eq!(own.1, "https://microsoftgraph.chinacloudapi.cn/");
        let graph_url = Some(Url::parse("http://127.0.0.1:9/").unwrap());
        let mixed = named(hosts(Cloud::Global, &EntraOptions { graph_url, ..EntraOptions::default() }));
        assert_eq!(mixed, ("https://login.microsoftonline.com/".to_owned(), "http://127.0.0.1:9/".to_owned()));
    }
}
