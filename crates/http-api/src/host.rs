//! With a base domain, each tenant has a host of its own.

/// The tenant's slug in a `Host` header, `None` if the host is not directly below `base_domain`. Case and port do not
/// matter.
pub(crate) fn tenant_slug(host: &str, base_domain: &str) -> Option<String> {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = fold(name);
    let slug = name.strip_suffix(&fold(base_domain))?.strip_suffix('.')?;
    (!slug.is_empty() && !slug.contains('.')).then(|| slug.to_owned())
}

/// Lower case, without the root's dot.
fn fold(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    name.strip_suffix('.').unwrap_or(&name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slug_is_one_label_before_the_domain() {
        for host in ["acme.example.org", "ACME.Example.ORG:8080", "acme.example.org.", "acme.example.org.:80"] {
            assert_eq!(tenant_slug(host, "example.org").as_deref(), Some("acme"), "{host}");
            assert_eq!(tenant_slug(host, "Example.org.").as_deref(), Some("acme"), "{host}");
        }
    }

    #[test]
    fn other_hosts_have_none() {
        for host in [
            "",
            "example.org",
            ".example.org",
            "a.b.example.org",
            "acme.example.com",
            "acmeexample.org",
            "acme.example.org.evil.com",
            "127.0.0.1:8080",
            "[::1]:8080",
            "acme.example.org:x",
        ] {
            assert_eq!(tenant_slug(host, "example.org"), None, "{host}");
        }
    }
}
