//! What directories and people write: names, e-mail addresses, ids.

#![no_main]

use directory_core::{EmailAddress, EmailKey, ExternalId, normalise};
use http_api::model::external_id;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some(normal) = normalise(text) {
        assert_eq!(normalise(&normal).as_ref(), Some(&normal), "a second run finds no difference");
        assert!(!normal.is_empty() && !normal.contains('\0'));
    }
    if let Some(address) = EmailAddress::parse(text) {
        assert_eq!(EmailAddress::parse(address.as_str()).as_ref(), Some(&address), "{}", address.as_str());
        assert!(address.as_str().len() <= EmailAddress::MAX_BYTES);
        assert_eq!(address.key(), EmailKey::of(address.as_str()));
        assert_eq!(
            format!("{}@{}", address.local_part(), address.as_str().rsplit_once('@').expect("@").1),
            address.as_str()
        );
        // Whoever differs in case only is the same, in the engine as in the stores' index.
        let upper = EmailAddress::parse(&text.to_ascii_uppercase()).map(|upper| upper.key());
        assert_eq!(upper.as_ref(), Some(&address.key()), "{}", address.as_str());
    }
    // A directory's id as it is read is an id as it is stored.
    if let Some(id) = ExternalId::parse(text) {
        assert_eq!(ExternalId::parse(id.as_str()).as_ref(), Some(&id));
        assert!((1..=ExternalId::MAX_BYTES).contains(&id.as_str().len()));
    }
    // One that a person gives is one of those, and the same again when it is copied from an answer.
    if let Some(id) = external_id(text) {
        assert_eq!(ExternalId::parse(id.as_str()).as_ref(), Some(&id));
        assert_eq!(external_id(id.as_str()).as_ref(), Some(&id));
        assert!(!text.contains(char::is_control));
    }
});
