//! What is wrong with a connection's values: by the REST API's rules, as complaints about the flags that stand for its
//! members, and by the directory's.

use anyhow::anyhow;
use http_api::model::FieldError;
use sync_engine::EngineError;

use crate::exit::BadUsage;

pub(super) fn bad_usage(errors: &[FieldError]) -> BadUsage {
    BadUsage(errors.iter().map(problem).collect::<Vec<_>>().join("; "))
}

/// An error beneath what came of it. What the directory says comes with the next step.
pub(super) fn refused(outcome: &str, error: EngineError) -> anyhow::Error {
    match error {
        EngineError::Provider(refusal) => anyhow!("{outcome}: {} {}", refusal.message, refusal.hint),
        other => anyhow::Error::from(other).context(outcome.to_owned()),
    }
}

fn problem(error: &FieldError) -> String {
    let detail = &error.detail;
    // These come from standard input or a prompt, and no flag has them for a value.
    match &*error.pointer {
        "/clientSecret" => return format!("the client secret {detail}"),
        "/certificate" => return format!("the certificate {detail}"),
        _ => {}
    }
    let (mut flag, mut item) = (String::from("-"), None);
    for member in error.pointer.split('/').filter(|member| !member.is_empty() && *member != "policy") {
        if let Ok(at) = member.parse::<usize>() {
            // A flag takes its whole list as one value.
            item = Some(at + 1);
        } else {
            flag.push('-');
            flag.push_str(&kebab(member));
        }
    }
    match item {
        Some(item) => format!("{flag}: item {item} {detail}"),
        None => format!("{flag} {detail}"),
    }
}

/// `groupId` as `group-id`.
fn kebab(member: &str) -> String {
    let mut words = String::new();
    for character in member.chars() {
        if character.is_ascii_uppercase() {
            words.push('-');
        }
        words.push(character.to_ascii_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_name_the_flag() {
        for (pointer, expected) in [
            ("/displayName", "--display-name is odd"),
            ("/cloud", "--cloud is odd"),
            ("/clientSecret", "the client secret is odd"),
            ("/certificate", "the certificate is odd"),
            ("/clientSecretExpiresAt", "--client-secret-expires-at is odd"),
            ("/policy/adoptDomains", "--adopt-domains is odd"),
            ("/policy/adoptDomains/1", "--adopt-domains: item 2 is odd"),
            ("/policy/maxDeactivations/percent", "--max-deactivations-percent is odd"),
        ] {
            assert_eq!(problem(&FieldError::new(pointer, "is odd")), expected);
        }
        let both = bad_usage(&[FieldError::new("/cloud", "is odd"), FieldError::new("/groupId", "too")]);
        assert_eq!(both.to_string(), "--cloud is odd; --group-id too");
    }
}
