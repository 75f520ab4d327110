//! A private key and its certificate, as an administrator pastes them.

#![no_main]

use std::sync::LazyLock;

use directory_core::{ConnectionSettings, Credential, FailureKind, ProviderFactory, RunErrorCode};
use libfuzzer_sys::fuzz_target;
use provider_entra::{EntraFactory, EntraOptions};

static FACTORY: LazyLock<EntraFactory> = LazyLock::new(|| {
    // Plain HTTP to this machine, where nothing is sent anyway: no certificate store is looked for.
    let nowhere: url::Url = "http://127.0.0.1:9".parse().expect("URL");
    let options =
        EntraOptions { login_url: Some(nowhere.clone()), graph_url: Some(nowhere), ..EntraOptions::default() };
    EntraFactory::new(options).expect("a factory")
});

fuzz_target!(|pem: &str| {
    let credential = Credential::Certificate(pem.to_owned().into());
    let settings = ConnectionSettings {
        directory_id: "9b2a6c1e-3f4d-4a5b-8c6d-7e8f90a1b2c3".to_owned(),
        client_id: "11111111-2222-4333-8444-555555555555".to_owned(),
        group_id: None,
        include_nested_groups: false,
        cloud: None,
    };
    let expiry = FACTORY.expiry(&credential);
    let connected = FACTORY.connect(&settings, credential);
    // Connecting asks one thing more: that it has not ended.
    match (&expiry, connected.err()) {
        (Ok(end), None) => assert!(end.is_some()),
        (Ok(_), Some(error)) => assert_eq!(error.code, RunErrorCode::CredentialExpired),
        (Err(told), Some(error)) => {
            assert_eq!(told, &error);
            assert_eq!((error.code, error.kind), (RunErrorCode::CredentialInvalid, FailureKind::Configuration));
            assert_repeats_nothing(pem, &format!("{error:?}"));
        }
        (Err(_), None) => panic!("connected with what cannot be read"),
    }
});

/// No word of a pasted key is in an error, but what a hint says anyway.
fn assert_repeats_nothing(pem: &str, shown: &str) {
    for word in pem.split_whitespace().filter(|word| word.len() > 40) {
        assert!(!shown.contains(word), "{shown}");
    }
}
