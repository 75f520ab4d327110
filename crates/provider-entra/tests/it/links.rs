//! Next links that lead astray.

use rstest::rstest;
use wiremock::MockServer;

use crate::support::{Entra, REQUEST_ID, answer, assert_protocol, ids, page};

async fn refused(entra: &Entra, message: &str, reads: usize) {
    let provider = entra.users();
    let error = ids(&*provider).await.expect_err("refused");
    assert_protocol(&error, message);
    assert_eq!(error.request_id.as_deref(), Some(REQUEST_ID));
    assert_eq!(entra.reads().await.len(), reads);
}

#[rstest]
#[case("{other}/v1.0/users?$skiptoken=a")]
#[case("http://{own}@{other_host}/v1.0/users?$skiptoken=a")]
#[case("//{other_host}/v1.0/users?$skiptoken=a")]
#[case("https://{own}/v1.0/users?$skiptoken=a")]
#[tokio::test]
async fn the_token_goes_to_no_other_host(#[case] link: &str) {
    let (entra, other) = (Entra::start().await, MockServer::start().await);
    let link = link
        .replace("{other}", &other.uri())
        .replace("{other_host}", &other.address().to_string())
        .replace("{own}", &entra.server.address().to_string());
    entra.graph([page(&["u1"], Some(&link)), page(&["u2"], None)]).await;
    refused(&entra, "next link", 1).await;
    assert!(other.received_requests().await.expect("recorded").is_empty());
}

#[rstest]
#[case("/beta/users")]
#[case("/v1.0/../beta/users")]
#[case("/v1.00/users")]
#[tokio::test]
async fn nor_out_of_the_api(#[case] path: &str) {
    let entra = Entra::start().await;
    let link = format!("{}{path}", entra.server.uri());
    entra.graph([page(&["u1"], Some(&link)), page(&["u2"], None)]).await;
    refused(&entra, "leads out of the v1.0 API", 1).await;
}

#[tokio::test]
async fn a_link_that_does_not_advance() {
    let entra = Entra::start().await;
    let link = entra.link("a");
    entra.graph([page(&["u1"], Some(&link))]).await;
    refused(&entra, "already followed", 2).await;
}

#[tokio::test]
async fn a_longer_circle() {
    let entra = Entra::start().await;
    let (a, b) = (entra.link("a"), entra.link("b"));
    entra.graph([page(&["u1"], Some(&a)), page(&["u2"], Some(&b)), page(&["u3"], Some(&a))]).await;
    refused(&entra, "already followed", 3).await;
}

#[tokio::test]
async fn a_circle_through_the_first_page() {
    let entra = Entra::start().await;
    let first = format!(
        "{}/v1.0/users?$select=id,displayName,givenName,surname,mail,userPrincipalName,accountEnabled,userType&$top=999",
        entra.server.uri()
    );
    entra.graph([page(&["u1"], Some(&first))]).await;
    refused(&entra, "already followed", 1).await;
}

#[rstest]
#[case(&["u1"], "more than 5 pages", 5)]
#[case(&[], "more than 3 empty pages", 4)]
#[tokio::test]
async fn ever_new_links(#[case] users: &[&str], #[case] message: &str, #[case] reads: usize) {
    let mut entra = Entra::start().await;
    entra.bounds.pages = 5;
    entra.bounds.empty_pages = 3;
    let pages: Vec<_> = (0..20).map(|number| page(users, Some(&entra.link(&number.to_string())))).collect();
    entra.graph(pages).await;
    refused(&entra, message, reads).await;
}

#[tokio::test]
async fn some_empty_pages_in_a_row_are_fine() {
    let mut entra = Entra::start().await;
    entra.bounds.empty_pages = 3;
    let links: Vec<_> = (0..8).map(|number| entra.link(&number.to_string())).collect();
    let mut pages: Vec<_> =
        links.iter().enumerate().map(|(n, link)| page(if n == 3 { &["u1"] } else { &[] }, Some(link))).collect();
    pages.truncate(7);
    pages.push(page(&["u2"], None));
    entra.graph(pages).await;
    assert_eq!(ids(&*entra.users()).await.expect("listed"), ["u1", "u2"]);
}

#[rstest]
#[case(301)]
#[case(302)]
#[case(307)]
#[case(308)]
#[tokio::test]
async fn redirects_are_not_followed(#[case] status: u16) {
    let (entra, other) = (Entra::start().await, MockServer::start().await);
    entra.graph([answer(status).insert_header("location", format!("{}/v1.0/users", other.uri()))]).await;
    refused(&entra, "redirect", 1).await;
    assert!(other.received_requests().await.expect("recorded").is_empty());
}
