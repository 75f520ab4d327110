//! The hosts of the directories: whether they answer, and what time they say it is.

use std::time::Duration;

use directory_wiring::{Reached, Settings, Unreached, error_line, reach_hosts};
use store::CloudInUse;

use super::{clock, report::Report};

/// Slower is worth a look: each page of a listing is such a request.
const SLOW: Duration = Duration::from_secs(3);

pub(super) async fn check(report: &mut Report, settings: &Settings, clouds: &[CloudInUse]) {
    let reached = match reach_hosts(settings, clouds).await {
        Ok(reached) => reached,
        Err(error) => {
            let hint = "see that this machine has the certificates of certificate authorities (ca-certificates)";
            report.fail("hosts", error_line(&error), hint);
            return;
        }
    };
    for (url, reached) in reached {
        let host = match (url.host_str().unwrap_or("?"), url.port()) {
            (host, Some(port)) => format!("{host}:{port}"),
            (host, None) => host.to_owned(),
        };
        match reached {
            Ok(Reached { status, took, clock }) => {
                check_answer(report, &host, status, took);
                if let Some(skew) = clock {
                    clock::check(report, &host, skew);
                }
            }
            Err(why) => report.fail(&*host, why, hint(why)),
        }
    }
}

fn check_answer(report: &mut Report, host: &str, status: u16, took: Duration) {
    let detail = format!("answers with HTTP {status} after {} ms", took.as_millis());
    match status {
        407 => report.warn(host, detail, "the proxy wants a user: set one in HTTPS_PROXY"),
        500.. => report.warn(host, detail, "it has trouble of its own, or a proxy has: try again"),
        _ if took >= SLOW => report.warn(host, detail, "syncs are as slow as this: see the network"),
        // Without a credential there is nothing for us there: a refusal is an answer.
        _ => report.ok(host, detail),
    }
}

fn hint(why: Unreached) -> &'static str {
    match why {
        Unreached::Name => {
            "see this machine's name servers (/etc/resolv.conf), or set HTTPS_PROXY where only a proxy knows the way"
        }
        Unreached::Tls => {
            "see that this machine has the certificates of certificate authorities (ca-certificates), and whether a proxy \
             puts one of its own in between"
        }
        Unreached::Timeout | Unreached::Connect | Unreached::Cut => {
            "see that the firewall lets this machine out to it, or set HTTPS_PROXY"
        }
    }
}
