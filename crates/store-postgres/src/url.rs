//! The database's URL.

use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;

/// A URL that names no PostgreSQL database. Says what is wrong without repeating the URL, which holds a password.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadUrl {
    #[error("a PostgreSQL URL begins with postgres://")]
    Scheme,
    #[error(
        "the PostgreSQL URL is not valid; the form is postgres://USER:PASSWORD@HOST:PORT/DATABASE, with special \
         characters in the password percent-encoded"
    )]
    Syntax,
}

pub(crate) fn parse(url: &str) -> Result<PgConnectOptions, BadUrl> {
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(BadUrl::Scheme);
    }
    // The parser's own message can quote a part of the URL.
    let options = PgConnectOptions::from_str(url).map_err(|_| BadUrl::Syntax)?;
    Ok(match options.get_application_name() {
        Some(_) => options,
        None => options.application_name("directory-sync"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_what_is_wrong_and_keep_the_password() {
        for (url, expected) in [
            ("hunter2", "begins with postgres://"),
            ("mysql://me:hunter2@host/db", "begins with postgres://"),
            ("postgres://me:hunter2/x@host/db", "percent-encoded"),
            ("postgres://me:hunter2@host/db?sslmode=hunter2", "percent-encoded"),
        ] {
            let error = parse(url).unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(text.contains(expected), "{text}");
            assert!(!text.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn a_name_for_the_servers_list_of_connections_is_a_default() {
        assert_eq!(parse("postgres://host/db").unwrap().get_application_name(), Some("directory-sync"));
        let named = parse("postgresql://host/db?application_name=mine").unwrap();
        assert_eq!(named.get_application_name(), Some("mine"));
    }
}
