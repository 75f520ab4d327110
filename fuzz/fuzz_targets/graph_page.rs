//! A page of users as Graph answers it.

#![no_main]

use directory_core::{DirectoryEntry, ExternalId, FailureKind, RunErrorCode};
use libfuzzer_sys::fuzz_target;
use provider_entra::fuzzing;
use serde_json::Value;

fuzz_target!(|body: &[u8]| {
    let object = fuzzing::object(body);
    match fuzzing::page(body) {
        Ok(page) => {
            // Nobody is lost: every object is an entry, or of a kind that is no user.
            assert!(page.entries.len() <= page.objects);
            for entry in &page.entries {
                check(entry);
            }
            // Another reader finds the same. It is stricter in what concerns nobody: half a surrogate in a name, say.
            if let Ok(json) = serde_json::from_slice::<Value>(body) {
                // A page that ends in an error is none, or whoever it left out would be called absent.
                assert!(json.get("error").is_none_or(Value::is_null));
                assert_eq!(json["value"].as_array().map(Vec::len), Some(page.objects));
                assert_eq!(json["@odata.nextLink"].as_str(), page.next_link.as_deref());
            }
        }
        Err(error) => {
            let told = [RunErrorCode::ProviderProtocol, RunErrorCode::PermissionMissing];
            assert!(told.contains(&error.code), "{error:?}");
            assert!(matches!(error.kind, FailureKind::Protocol | FailureKind::Configuration));
        }
    }
    if let (Ok(()), Ok(json)) = (object, serde_json::from_slice::<Value>(body)) {
        assert!(json["id"].is_string());
    }
});

fn check(entry: &DirectoryEntry) {
    let id = match entry {
        DirectoryEntry::Present(user) => &user.external_id,
        DirectoryEntry::Unreadable(Some(id)) => id,
        DirectoryEntry::Unreadable(None) => return,
        DirectoryEntry::Removed(_) | DirectoryEntry::Changed(_) => panic!("a full listing tells no changes"),
    };
    assert_eq!(ExternalId::parse(id.as_str()).as_ref(), Some(id), "an id is stored as it was read");
}
