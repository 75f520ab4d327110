//! The hosts of the directories, and whether they answer.

use std::sync::Arc;

use anyhow::Context;
use provider_entra::{Cloud, Probe, Reached, Unreached, hosts};
use store::CloudInUse;
use tokio::task::JoinSet;
use url::Url;

use crate::{Settings, providers::entra_options};

/// Asks every host that connections in these clouds need; without a cloud, those of the usual one. All at a time, so that it
/// takes no longer than the slowest of them, 10 seconds at most.
pub async fn reach_hosts(
    settings: &Settings,
    clouds: &[CloudInUse],
) -> anyhow::Result<Vec<(Url, Result<Reached, Unreached>)>> {
    let options = entra_options(settings);
    let probe = Arc::new(Probe::new(&options).context("cannot set up Microsoft Entra ID")?);
    let mut probes = JoinSet::new();
    for url in urls(clouds, |cloud| hosts(cloud, &options)) {
        let probe = Arc::clone(&probe);
        probes.spawn(async move {
            let reached = probe.reach(&url).await;
            (url, reached)
        });
    }
    let mut reached = probes.join_all().await;
    reached.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(reached)
}

/// Each host once.
fn urls(clouds: &[CloudInUse], hosts: impl Fn(Cloud) -> [Option<Url>; 2]) -> Vec<Url> {
    let mut known: Vec<Cloud> = clouds.iter().filter_map(|one| one.cloud.parse().ok()).collect();
    if known.is_empty() {
        known.push(Cloud::default());
    }
    let mut urls: Vec<Url> = known.into_iter().flat_map(hosts).flatten().collect();
    urls.sort();
    urls.dedup();
    urls
}

#[cfg(test)]
mod tests {
    use provider_entra::EntraOptions;

    use super::*;

    #[test]
    fn each_host_in_use_is_asked_once_and_the_usual_ones_without_any() {
        let named = |clouds: &[&str]| -> Vec<String> {
            let clouds: Vec<_> = clouds
                .iter()
                .map(|cloud| CloudInUse { provider: "entra".to_owned(), cloud: (*cloud).to_owned() })
                .collect();
            let urls = urls(&clouds, |cloud| hosts(cloud, &EntraOptions::default()));
            urls.iter().filter_map(Url::host_str).map(str::to_owned).collect()
        };
        let usual = ["graph.microsoft.com", "login.microsoftonline.com"];
        assert_eq!(named(&[]), usual);
        assert_eq!(named(&["global", "global", "unheard-of"]), usual);
        let both = ["dod-graph.microsoft.us", "graph.microsoft.us", "login.microsoftonline.us"];
        assert_eq!(named(&["usGov", "usGovDod"]), both);
    }
}
