//! Complaints about a body of the REST API, as complaints about the flags that stand for its members.

use http_api::model::FieldError;

use crate::exit::BadUsage;

pub(super) fn bad_usage(errors: &[FieldError]) -> BadUsage {
    BadUsage(errors.iter().map(problem).collect::<Vec<_>>().join("; "))
}

fn problem(error: &FieldError) -> String {
    let detail = &error.detail;
    if error.pointer == "/clientSecret" {
        return format!("the client secret {detail}");
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
