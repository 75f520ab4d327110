//! Tokens of a platform that signs its users in itself: a real issuer on this machine, a real server.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::Utc;
use reqwest::{Method, StatusCode};
use ring::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use serde_json::{Value, json};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{method, path},
};

use crate::{
    main_job::plain,
    support::{Cli, Kind, System, on_both_stores, registration},
};

on_both_stores!(a_platforms_tokens_are_taken_beside_api_tokens, a_server_starts_without_its_issuer);

const CONNECTIONS: &str = "/api/directory/connections";
const ENTRA: &str = "/api/directory/entra";

struct Signer {
    id: &'static str,
    pair: Ed25519KeyPair,
}

impl Signer {
    fn new(id: &'static str) -> Self {
        let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self { id, pair: Ed25519KeyPair::from_pkcs8(key.as_ref()).unwrap() }
    }

    fn jwk(&self) -> Value {
        let x = BASE64_URL_SAFE_NO_PAD.encode(self.pair.public_key());
        json!({"kty": "OKP", "crv": "Ed25519", "kid": self.id, "use": "sig", "alg": "EdDSA", "x": x})
    }

    /// A token for five minutes, or one that ended as long ago.
    fn token(&self, issuer: &str, tenant: &str, role: &str, expired: bool) -> String {
        let now = Utc::now().timestamp();
        let end = if expired { now - 300 } else { now + 300 };
        let claims = json!({
            "iss": issuer, "aud": ["directory"], "sub": "person-7f3a", "iat": now - 600, "exp": end,
            "org": {"slug": tenant}, "roles": ["unrelated", role],
        });
        let header = json!({"alg": "EdDSA", "kid": self.id, "typ": "JWT"});
        let [header, claims] = [header, claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part.to_string()));
        let message = format!("{header}.{claims}");
        let signature = BASE64_URL_SAFE_NO_PAD.encode(self.pair.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }
}

/// Has the issuer describe itself and offer these keys.
async fn publish(issuer: &MockServer, keys: &[Value]) {
    issuer.reset().await;
    let uri = issuer.uri();
    let configuration = json!({"issuer": uri, "jwks_uri": format!("{uri}/keys")});
    for (at, body) in [("/.well-known/openid-configuration", configuration), ("/keys", json!({"keys": keys}))] {
        let answer = ResponseTemplate::new(200).set_body_json(body);
        Mock::given(method("GET")).and(path(at)).respond_with(answer).mount(issuer).await;
    }
}

fn trusting(cli: &Cli, issuer: &str) -> Cli {
    let settings = [("ISSUER", issuer), ("AUDIENCE", "directory"), ("TENANT_CLAIM", "org.slug")];
    settings.into_iter().fold(cli.clone(), |cli, (name, value)| cli.with(&format!("DIRECTORY_JWT_{name}"), value))
}

fn restart(system: &mut System, issuer: &str) {
    system.cli = trusting(&system.cli, issuer);
    assert!(system.take_server().terminate().success());
    system.start_server();
}

async fn a_platforms_tokens_are_taken_beside_api_tokens(kind: Kind) {
    let issuer = MockServer::start().await;
    let (old, new) = (Signer::new("2026-a"), Signer::new("2026-b"));
    publish(&issuer, &[old.jwk()]).await;
    let mut system = System::start(kind, plain(5)).await;
    restart(&mut system, &issuer.uri());
    system.other_tenant("globex");

    let token = |signer: &Signer, tenant, role| signer.token(&issuer.uri(), tenant, role, false);
    let admin = token(&old, "acme", "directory.admin");
    let connection = system.register_as(&admin, json!({})).await;
    let at = format!("{CONNECTIONS}/{connection}");
    assert_eq!(system.get(&at).await["id"], connection.as_str(), "the API token's tenant is the same");
    assert_eq!(system.sync(&connection).await["status"], "succeeded");

    let told = system.get(&format!("/api/directory/audit?subjectId={connection}")).await["items"][0].clone();
    assert_eq!(told["actor"], json!({"kind": "person", "id": "person-7f3a", "name": issuer.uri()}), "{told}");

    let viewer = token(&old, "acme", "directory.viewer");
    assert_eq!(system.get_as(&viewer, &at).await["id"], connection.as_str());
    let (status, _) = system.call_as(&viewer, Method::POST, ENTRA, Some(&registration(json!({})))).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let refused = async |token: &str| {
        let (status, problem) = system.call_as(token, Method::GET, &at, None).await;
        (status.as_u16(), problem["detail"].as_str().unwrap().to_owned())
    };
    assert_eq!(refused(&token(&old, "globex", "directory.admin")).await.0, 404);
    assert_eq!(refused(&token(&old, "nowhere", "directory.admin")).await.0, 403);
    assert_eq!(refused(&token(&old, "acme", "stranger")).await.0, 403);
    let expired = old.token(&issuer.uri(), "acme", "directory.admin", true);
    assert_eq!(refused(&expired).await, (401, "The token has expired.".to_owned()));
    let foreign = old.token("https://login.example.test", "acme", "directory.admin", false);
    assert_eq!(refused(&foreign).await, (401, "The token is from another issuer.".to_owned()));

    // The issuer changes its key; the server is not told.
    publish(&issuer, &[new.jwk()]).await;
    assert_eq!(system.get_as(&token(&new, "acme", "directory.admin"), &at).await["id"], connection.as_str());
    let old_key = "The token is signed with a key that the issuer does not have.";
    assert_eq!(refused(&admin).await, (401, old_key.to_owned()));
    let log = system.server().log();
    assert!(!log.contains("person-7f3a") && !log.contains(admin.as_str()), "neither persons nor tokens are logged");
}

async fn a_server_starts_without_its_issuer(kind: Kind) {
    // A port that was free a moment ago; nothing listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let issuer = format!("http://127.0.0.1:{port}");
    let mut system = System::start(kind, plain(5)).await;
    restart(&mut system, &issuer);
    system.register(json!({})).await;
    let token = Signer::new("k1").token(&issuer, "acme", "directory.admin", false);
    let (status, problem) = system.call_as(&token, Method::GET, CONNECTIONS, None).await;
    assert_eq!((status, &problem["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("unavailable")), "{problem}");
}

#[test]
fn a_wrong_issuer_is_one_line_and_exit_code_2() {
    let cli = Cli::new(vec![("DIRECTORY_JWT_ISSUER".to_owned(), "https://login.example.test".to_owned())]);
    for cli in [cli.clone(), trusting(&cli, "http://login.example.test"), trusting(&cli, "the-platform")] {
        let output = cli.command("directory-server").output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{said}");
        assert!(said.contains("DIRECTORY_JWT_ISSUER"), "{said}");
    }
}
