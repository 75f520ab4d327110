//! Logs at their most talkative hold no secret, no token and nobody's name.

use std::{
    io,
    sync::{Arc, Mutex},
};

use directory_core::{ConnectionSettings, ProviderFactory};
use provider_entra::{EntraFactory, EntraOptions};
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{CLIENT, DIRECTORY, Entra, SECRET, graph_error, ids, list, page};

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

#[tokio::test]
async fn nothing_personal_or_secret_is_logged() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .with_ansi(false)
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let entra = Entra::start().await;
    let denied = graph_error(403, "Authorization_RequestDenied");
    entra.graph([page(&["grace"], Some(&entra.link("opaque-place"))), page(&["hopper"], None), denied]).await;
    let provider = entra.users();
    ids(&*provider).await.expect("listed");
    list(&*provider).await.expect_err("denied");
    drop(guard);

    let text = String::from_utf8(log.0.lock().expect("lock").clone()).expect("text");
    for expected in ["client_request_id", "request_id", "status=403", "page=2", "entries=1"] {
        assert!(text.contains(expected), "{expected} is missing in {text}");
    }
    for secret in [SECRET, "s3cr", "token-1", "grace", "hopper", "example.org"] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
}

#[test]
fn nothing_secret_is_in_debug_output() {
    let factory = EntraFactory::new(EntraOptions::default()).expect("factory");
    let settings = ConnectionSettings {
        directory_id: DIRECTORY.to_owned(),
        client_id: CLIENT.to_owned(),
        group_id: None,
        include_nested_groups: true,
        cloud: None,
    };
    factory.connect(&settings, SECRET.to_owned().into()).expect("provider");
    let bad = ConnectionSettings { client_id: SECRET.to_owned(), ..settings };
    let error = factory.connect(&bad, SECRET.to_owned().into()).err().expect("refused");
    for text in [format!("{factory:?}"), format!("{error:?}"), error.to_string()] {
        assert!(!text.contains("s3cr"), "{text}");
    }
}
