//! Logs at their most talkative hold no secret, no token and nobody's name.

use std::{
    io,
    sync::{Arc, Mutex},
};

use directory_core::{ConnectionSettings, Credential, ProviderFactory};
use provider_entra::{EntraFactory, EntraOptions};
use tracing_subscriber::fmt::MakeWriter;

use crate::{
    credentials::{CERTIFICATE, KEY, certificate},
    support::{Entra, SECRET, form, graph_error, ids, list, page, secret, settings},
};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("lock").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Log {
    fn start(&self) -> tracing::subscriber::DefaultGuard {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(self.clone())
            .with_ansi(false)
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("lock").clone()).expect("text")
    }
}

#[tokio::test]
async fn nothing_personal_or_secret_is_logged() {
    let log = Log::default();
    let guard = log.start();
    let entra = Entra::start().await;
    let denied = graph_error(403, "Authorization_RequestDenied");
    entra.graph([page(&["grace"], Some(&entra.link("opaque-place"))), page(&["hopper"], None), denied]).await;
    let provider = entra.users();
    ids(&*provider).await.expect("listed");
    list(&*provider).await.expect_err("denied");
    drop(guard);

    let text = log.text();
    for expected in ["client_request_id", "request_id", "status=403", "page=2", "entries=1"] {
        assert!(text.contains(expected), "{expected} is missing in {text}");
    }
    for secret in [SECRET, "s3cr", "token-1", "grace", "hopper", "example.org"] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
}

#[tokio::test]
async fn no_key_and_no_assertion_is_logged() {
    let log = Log::default();
    let guard = log.start();
    let mut entra = Entra::start().await;
    entra.credential = certificate();
    entra.graph([page(&["grace"], None)]).await;
    ids(&*entra.users()).await.expect("listed");
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("the-token");
    std::fs::write(&file, "ey.federated.token").expect("written");
    (entra.credential, entra.token_file) = (Credential::FederatedToken, Some(file));
    ids(&*entra.users()).await.expect("listed");
    drop(guard);

    let text = log.text();
    assert!(text.contains("client_request_id"), "{text}");
    let assertion = form(&entra.tokens_asked().await[0])["client_assertion"].clone();
    for secret in assertion.split('.').chain(["ey.federated", "the-token"]) {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
    for secret in lines_of_keys() {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
}

fn lines_of_keys() -> impl Iterator<Item = &'static str> {
    KEY.lines().chain(CERTIFICATE.lines()).filter(|line| !line.starts_with("---"))
}

#[test]
fn nothing_secret_is_in_debug_output() {
    let factory = EntraFactory::new(EntraOptions::default()).expect("factory");
    let settings = settings(None, true, None);
    factory.connect(&settings, secret()).expect("provider");
    factory.connect(&settings, certificate()).expect("provider");
    let bad = ConnectionSettings { client_id: SECRET.to_owned(), ..settings.clone() };
    let error = factory.connect(&bad, secret()).err().expect("refused");
    let half = Credential::Certificate(KEY.into());
    let refused = factory.connect(&settings, half.clone()).err().expect("refused");
    for text in [format!("{factory:?}"), format!("{error:?}"), error.to_string()] {
        assert!(!text.contains("s3cr"), "{text}");
    }
    for text in [format!("{refused:?}"), format!("{half:?}"), format!("{:?}", certificate())] {
        assert!(!lines_of_keys().any(|line| text.contains(line)), "{text}");
    }
}
