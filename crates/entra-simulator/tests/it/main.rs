//! The simulator, asked over real HTTP.

#![expect(clippy::expect_used, reason = "a helper that fails fails its test")]

mod assertion;
mod binary;
mod control;
mod delta;
mod faults;
mod groups;
mod scale;
mod token;
mod users;

use std::collections::BTreeSet;

use entra_simulator::{CLIENT_ID, CLIENT_SECRET, Config, DIRECTORY_ID, Permission, Simulator};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;

/// A simulator, and a client with a token for it.
struct World {
    simulator: Simulator,
    http: Client,
    token: String,
}

/// An answer, read to its end.
struct Answer {
    status: u16,
    headers: reqwest::header::HeaderMap,
    body: Value,
}

impl Answer {
    async fn read(response: Response) -> Self {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await.expect("a whole body");
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Self { status, headers, body }
    }

    /// Status and Graph's error code.
    fn error(&self) -> (u16, &str) {
        (self.status, self.body["error"]["code"].as_str().unwrap_or_default())
    }

    fn value(&self) -> &[Value] {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body["value"].as_array().expect("a page has a value")
    }

    fn access_token(&self) -> String {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body["access_token"].as_str().expect("a token").to_owned()
    }

    fn delta(&self) -> Option<&str> {
        self.body["@odata.deltaLink"].as_str()
    }

    fn next(&self) -> Option<&str> {
        self.body["@odata.nextLink"].as_str()
    }
}

fn client() -> Client {
    // A second test of the same process finds it installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().redirect(Policy::none()).no_proxy().build().expect("a client")
}

impl World {
    async fn with_users(users: u32) -> Self {
        Self::start(Config::with_users(users)).await
    }

    async fn with_permissions(permissions: &[Permission]) -> Self {
        let mut config = Config::with_users(40);
        config.tenants[0].permissions = permissions.iter().copied().collect::<BTreeSet<_>>();
        Self::start(config).await
    }

    async fn start(config: Config) -> Self {
        let simulator = Simulator::start(config).expect("starts");
        let mut world = Self { simulator, http: client(), token: String::new() };
        world.renew().await;
        world
    }

    async fn renew(&mut self) {
        let answer = self.ask_token(&[]).await;
        self.token = answer.access_token();
    }

    /// Asks for a token with a form that is right but for these parameters; an empty value leaves one out.
    async fn ask_token(&self, instead: &[(&str, &str)]) -> Answer {
        self.ask_token_of(&DIRECTORY_ID.to_string(), instead).await
    }

    async fn ask_token_of(&self, tenant: &str, instead: &[(&str, &str)]) -> Answer {
        let client_id = CLIENT_ID.to_string();
        let right = [
            ("grant_type", "client_credentials"),
            ("client_id", client_id.as_str()),
            ("client_secret", CLIENT_SECRET),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        let kept = right.iter().filter(|(name, _)| instead.iter().all(|(other, _)| other != name));
        let given = instead.iter().filter(|(_, value)| !value.is_empty());
        let form: Vec<_> = kept.chain(given).collect();
        let url = format!("{}/{tenant}/oauth2/v2.0/token", self.simulator.login_url());
        Answer::read(self.http.post(url).form(&form).send().await.expect("an answer")).await
    }

    fn url(&self, path: &str) -> String {
        if path.starts_with("http") { path.to_owned() } else { format!("{}/v1.0{path}", self.simulator.graph_url()) }
    }

    fn request(&self, path: &str) -> RequestBuilder {
        self.http.get(self.url(path)).bearer_auth(&self.token)
    }

    async fn send(&self, path: &str) -> reqwest::Result<Response> {
        self.request(path).send().await
    }

    async fn get(&self, path: &str) -> Answer {
        Answer::read(self.send(path).await.expect("an answer")).await
    }

    async fn get_advanced(&self, path: &str) -> Answer {
        let request = self.request(path).header("ConsistencyLevel", "eventual");
        Answer::read(request.send().await.expect("an answer")).await
    }

    /// All objects of a listing, and the number of its pages.
    async fn list(&self, path: &str, advanced: bool) -> (Vec<Value>, usize) {
        let (mut found, mut pages) = (Vec::new(), 0);
        let mut link = Some(path.to_owned());
        while let Some(path) = link {
            let page = if advanced { self.get_advanced(&path).await } else { self.get(&path).await };
            found.extend_from_slice(page.value());
            pages += 1;
            link = page.next().map(str::to_owned);
        }
        (found, pages)
    }
}

/// The ids of objects, sorted, each once.
fn ids(objects: &[Value]) -> BTreeSet<&str> {
    objects.iter().map(|object| object["id"].as_str().expect("an id")).collect()
}
