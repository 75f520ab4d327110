//! Next links: the access token goes wherever they lead. One a line.

#![no_main]

use std::{collections::HashSet, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use provider_entra::fuzzing;
use url::Url;

static BASE: LazyLock<Url> = LazyLock::new(|| Url::parse("https://graph.microsoft.com/v1.0/").expect("URL"));
static FIRST: LazyLock<Url> = LazyLock::new(|| BASE.join("users?$top=999").expect("URL"));

fuzz_target!(|text: &str| {
    let followed = fuzzing::follow(&BASE, &FIRST, text.lines());
    let mut seen = HashSet::from([FIRST.as_str()]);
    for url in &followed {
        assert_eq!(url.origin(), BASE.origin(), "{url}");
        assert!(url.path().starts_with("/v1.0/") && url.username().is_empty() && url.password().is_none(), "{url}");
        assert!(seen.insert(url.as_str()), "{url} is followed twice");
        // What is sent is read the same by whoever answers.
        assert_eq!(Url::parse(url.as_str()).as_ref(), Ok(url));
    }
});
