//! The token endpoint.

use entra_simulator::{CLIENT_ID, CLIENT_SECRET, Config, DIRECTORY_ID, TenantConfig};
use serde_json::json;

use super::{Answer, World};

const OTHER: &str = "11111111-2222-4333-8444-555555555555";

/// Status, `error` and the AADSTS number.
pub(crate) type Failure<'a> = (u16, &'a str, u64);

/// What failed, after checking the rest of the body's shape.
pub(crate) fn failure(answer: &Answer) -> Failure<'_> {
    let body = &answer.body;
    let code = body["error_codes"][0].as_u64().expect("a code");
    let description = body["error_description"].as_str().expect("a description");
    assert!(description.starts_with(&format!("AADSTS{code}: ")), "{description}");
    let lines: Vec<&str> = description.split("\r\n").collect();
    assert_eq!(lines.len(), 4, "{description}");
    assert_eq!(lines[1], format!("Trace ID: {}", body["trace_id"].as_str().expect("a trace id")));
    assert_eq!(lines[2], format!("Correlation ID: {}", body["correlation_id"].as_str().expect("a correlation id")));
    assert_eq!(lines[3], format!("Timestamp: {}", body["timestamp"].as_str().expect("a timestamp")));
    assert!(!description.contains(CLIENT_SECRET));
    (answer.status, body["error"].as_str().expect("an error"), code)
}

#[tokio::test]
async fn right_credentials_get_a_token() {
    let world = World::with_users(1).await;
    let answer = world.ask_token(&[]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body["token_type"], "Bearer");
    assert_eq!(answer.body["expires_in"], 3599);
    assert_eq!(answer.body["ext_expires_in"], 3599);
    assert_ne!(answer.body["access_token"], world.token.as_str());
}

#[tokio::test]
async fn the_tenant_may_be_a_domain_and_the_resource_this_host() {
    let world = World::with_users(1).await;
    assert_eq!(world.ask_token_of("Example.com", &[]).await.status, 200);
    let scope = format!("{}/.default", world.simulator.graph_url());
    assert_eq!(world.ask_token(&[("scope", &scope)]).await.status, 200);
}

#[tokio::test]
async fn each_wrong_parameter_has_its_error() {
    let world = World::with_users(1).await;
    let cases: [(&[(&str, &str)], Failure); 12] = [
        (&[("grant_type", "")], (400, "invalid_request", 900_144)),
        (&[("grant_type", "password")], (400, "unsupported_grant_type", 70003)),
        (&[("client_id", "")], (400, "invalid_request", 900_144)),
        (&[("client_id", OTHER)], (400, "unauthorized_client", 700_016)),
        (&[("client_id", "my-app")], (400, "unauthorized_client", 700_016)),
        (&[("client_secret", "")], (401, "invalid_client", 7_000_216)),
        (&[("client_secret", "wrong")], (401, "invalid_client", 7_000_215)),
        (&[("client_assertion", "a.b.c")], (400, "invalid_request", 900_144)),
        (&[("scope", "")], (400, "invalid_request", 900_144)),
        (&[("scope", "https://graph.microsoft.com/User.Read.All")], (400, "invalid_scope", 1_002_012)),
        (
            &[("scope", "https://graph.microsoft.com/.default https://a.example/.default")],
            (400, "invalid_scope", 700_022),
        ),
        (&[("scope", "https://a.example/.default")], (400, "invalid_resource", 500_011)),
    ];
    for (instead, expected) in cases {
        assert_eq!(failure(&world.ask_token(instead).await), expected, "{instead:?}");
    }
}

#[tokio::test]
async fn each_wrong_tenant_has_its_error() {
    let world = World::with_users(1).await;
    for (tenant, code) in [(OTHER, 90002), ("other.example", 90002), ("not_a_tenant", 900_023), ("common", 9_001_023)] {
        let answer = world.ask_token_of(tenant, &[]).await;
        assert_eq!(failure(&answer), (400, "invalid_request", code), "{tenant}");
    }
}

#[tokio::test]
async fn only_a_form_posted_counts() {
    let world = World::with_users(1).await;
    let url = format!("{}/{DIRECTORY_ID}/oauth2/v2.0/token", world.simulator.login_url());
    let body = json!({"grant_type": "client_credentials"});
    let posted = world.http.post(&url).json(&body).send().await.expect("an answer");
    assert_eq!(failure(&Answer::read(posted).await), (400, "invalid_request", 900_144));
    let got = world.http.get(&url).send().await.expect("an answer");
    assert_eq!(failure(&Answer::read(got).await), (400, "invalid_request", 900_561));
}

#[tokio::test]
async fn credentials_may_come_by_http_basic() {
    let world = World::with_users(1).await;
    let url = format!("{}/{DIRECTORY_ID}/oauth2/v2.0/token", world.simulator.login_url());
    let form = [("grant_type", "client_credentials"), ("scope", "https://graph.microsoft.com/.default")];
    let encoded = CLIENT_SECRET.replace('~', "%7E").replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    for (secret, status) in [(encoded.as_str(), 200), ("wrong", 401)] {
        let request = world.http.post(&url).basic_auth(CLIENT_ID, Some(secret)).form(&form);
        assert_eq!(request.send().await.expect("an answer").status(), status, "{secret}");
    }
}

#[tokio::test]
async fn an_expired_secret_is_told_apart_from_a_wrong_one_until_it_is_replaced() {
    let world = World::with_users(1).await;
    world.simulator.registration().expire_secret();
    assert_eq!(failure(&world.ask_token(&[]).await), (401, "invalid_client", 7_000_222));
    assert_eq!(failure(&world.ask_token(&[("client_secret", "x")]).await), (401, "invalid_client", 7_000_215));
    world.simulator.registration().set_secret("a new one");
    assert_eq!(failure(&world.ask_token(&[]).await), (401, "invalid_client", 7_000_215));
    assert_eq!(world.ask_token(&[("client_secret", "a new one")]).await.status, 200);
}

#[tokio::test]
async fn tenants_are_apart() {
    let second = TenantConfig {
        directory_id: OTHER.parse().expect("a GUID"),
        domain: "second.example".to_owned(),
        client_secret: "second".to_owned(),
        seed: 2,
        users: 3,
        ..TenantConfig::default()
    };
    let mut config = Config::with_users(2);
    config.tenants.push(second);
    let mut world = World::start(config).await;
    assert_eq!(world.get("/users").await.value().len(), 2);
    assert_eq!(failure(&world.ask_token_of(OTHER, &[]).await).2, 7_000_215);
    let answer = world.ask_token_of(OTHER, &[("client_secret", "second")]).await;
    world.token = answer.access_token();
    let users = world.get("/users").await;
    assert_eq!(users.value().len(), 3);
    let (directory, _) = world.simulator.tenant(OTHER.parse().expect("a GUID")).expect("served");
    assert_eq!(users.value()[0]["id"], directory.generated_user(0).to_string());
}
