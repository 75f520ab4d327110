//! Microsoft's clouds and their hosts (protocol reference §1.7).

use std::{fmt, str::FromStr};

/// One of Microsoft's clouds. A directory lives in exactly one, and a token of one is worth nothing in another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Cloud {
    /// The public cloud, and Microsoft 365 GCC.
    #[default]
    Global,
    /// US Government L4 (GCC High).
    UsGov,
    /// US Government L5 (Department of Defense).
    UsGovDod,
    /// China, operated by 21Vianet.
    China,
}

/// There is no cloud of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the clouds are global, usGov, usGovDod and china")]
pub struct UnknownCloud;

impl Cloud {
    /// Every cloud.
    pub const ALL: [Self; 4] = [Self::Global, Self::UsGov, Self::UsGovDod, Self::China];

    /// The name in settings and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::UsGov => "usGov",
            Self::UsGovDod => "usGovDod",
            Self::China => "china",
        }
    }

    /// Where tokens are issued.
    #[must_use]
    pub fn login_url(self) -> &'static str {
        match self {
            Self::Global => "https://login.microsoftonline.com",
            Self::UsGov | Self::UsGovDod => "https://login.microsoftonline.us",
            Self::China => "https://login.partner.microsoftonline.cn",
        }
    }

    /// Where Microsoft Graph is; also the resource that a token is asked for.
    #[must_use]
    pub fn graph_url(self) -> &'static str {
        match self {
            Self::Global => "https://graph.microsoft.com",
            Self::UsGov => "https://graph.microsoft.us",
            Self::UsGovDod => "https://dod-graph.microsoft.us",
            Self::China => "https://microsoftgraph.chinacloudapi.cn",
        }
    }

    /// The scope of a token request. It names the cloud's own Graph even where another address answers for it.
    pub(crate) fn token_scope(self) -> String {
        format!("{}/.default", self.graph_url())
    }
}

impl fmt::Display for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Cloud {
    type Err = UnknownCloud;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|cloud| cloud.as_str() == text).ok_or(UnknownCloud)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use url::Url;

    use super::*;

    #[rstest]
    #[case("global", "login.microsoftonline.com", "graph.microsoft.com")]
    #[case("usGov", "login.microsoftonline.us", "graph.microsoft.us")]
    #[case("usGovDod", "login.microsoftonline.us", "dod-graph.microsoft.us")]
    #[case("china", "login.partner.microsoftonline.cn", "microsoftgraph.chinacloudapi.cn")]
    fn names_and_hosts(#[case] name: &str, #[case] login: &str, #[case] graph: &str) {
        let cloud: Cloud = name.parse().expect("known");
        assert_eq!(cloud.to_string(), name);
        for (url, host) in [(cloud.login_url(), login), (cloud.graph_url(), graph)] {
            let url = Url::parse(url).expect("URL");
            assert_eq!((url.scheme(), url.host_str(), url.path()), ("https", Some(host), "/"));
        }
        assert_eq!(cloud.token_scope(), format!("https://{graph}/.default"));
    }

    #[rstest]
    #[case("")]
    #[case("Global")]
    #[case("germany")]
    fn other_names_are_refused(#[case] name: &str) {
        assert_eq!(name.parse::<Cloud>(), Err(UnknownCloud));
    }
}
