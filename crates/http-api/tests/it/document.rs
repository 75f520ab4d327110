//! The OpenAPI document and its page: no token, no network.

use serde_json::Value;

use crate::api::{Answer, Api, send};

async fn get(api: &Api, path: &str) -> Answer {
    send(api.client.get(format!("{}{path}", api.url))).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_is_the_one_that_is_checked_in() {
    let api = Api::start().await;
    let answer = get(&api, "/openapi.json").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let copy: Value = serde_json::from_str(include_str!("../../../../docs/openapi.json")).unwrap();
    assert_eq!(answer.json(), copy);
    assert_eq!(copy["openapi"], "3.1.0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_loads_from_this_server_alone() {
    let api = Api::start().await;
    // The client follows the redirection from `/docs`.
    let page = get(&api, "/docs").await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html")));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"), "{policy}");
    assert!(!policy.contains("http") && !policy.contains('*') && !policy.contains("unsafe-eval"), "{policy}");

    let files: Vec<&str> = references(&page.text).collect();
    assert!(files.len() > 4, "{files:?}");
    for name in &files {
        let file = get(&api, &format!("/docs/{name}")).await;
        assert_eq!(file.status, 200, "{name}");
        assert_eq!(file.header("content-security-policy"), Some(policy), "{name}");
        // The libraries' own code names hosts in comments and namespaces; the policy above keeps it from going there.
        if !name.contains("bundle") && !name.contains("preset") {
            assert_local(name, &file.text);
        }
    }
    assert_local("the page", &page.text);
    // No script is written in the page, since the policy would not let it run.
    assert_eq!(page.text.matches("<script").count(), page.text.matches("<script src=").count());

    let settings = get(&api, "/docs/swagger-initializer.js").await.text;
    assert!(settings.contains("\"/openapi.json\""), "{settings}");
    assert!(settings.contains("\"validatorUrl\": \"none\""), "{settings}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_file_of_the_page_is_a_problem() {
    let api = Api::start().await;
    for path in ["/docs/no-such-file", "/docs/../Cargo.toml", "/docs/a/b", "/docs/%2e%2e%2fCargo.toml"] {
        get(&api, path).await.problem(404, "not_found");
    }
    assert_eq!(send(api.client.post(format!("{}/openapi.json", api.url))).await.status, 405);
    assert_eq!(send(api.client.head(format!("{}/openapi.json", api.url))).await.status, 200);
}

/// What the page loads.
fn references(html: &str) -> impl Iterator<Item = &str> {
    let attributes = ["src=\"", "href=\""].into_iter().flat_map(|name| html.split(name).skip(1));
    attributes.filter_map(|rest| rest.split('"').next()).map(|name| name.trim_start_matches("./"))
}

fn assert_local(name: &str, text: &str) {
    for (at, _) in text.match_indices("//") {
        let before = text[..at].chars().next_back();
        let (begin, end) = (at.saturating_sub(6), (at + 40).min(text.len()));
        let around = text.get(begin..end).unwrap_or_default();
        // A namespace is a name, and a comment is not followed.
        let harmless = around.contains("//www.w3.org/") || before.is_none_or(|before| before != ':' && before != '"');
        assert!(harmless, "{name} names another host: {around}");
    }
}
