//! The rules. Each one answers with what breaks it, one line each.

use std::collections::BTreeSet;

use super::graph::{Arrows, Graph, Package};

/// What a pure core has no use for: runtimes, HTTP, SQL, clocks, chance. A name stands for itself and for every package whose
/// name begins with it and a dash.
const IMPURE: &[&str] = &[
    "tokio",
    "async-std",
    "smol",
    "async-io",
    "mio",
    "actix",
    "axum",
    "tower",
    "hyper",
    "reqwest",
    "ureq",
    "curl",
    "h2",
    "http",
    "rustls",
    "socket2",
    "sqlx",
    "rusqlite",
    "libsqlite3",
    "diesel",
    "postgres",
    "chrono",
    "time",
    "jiff",
    "iana-time-zone",
    "rand",
    "rand_core",
    "fastrand",
    "getrandom",
];

/// What a crate may know of ours, by its own name. A layer knows those below it. Binaries, tests, benches, examples and xtask are
/// not listed: they wire things together and may know anything.
const LAYERS: &[(&str, &[&str])] = &[
    ("directory-core", &[]),
    ("crypto", &[]),
    ("entra-simulator", &[]),
    ("jwt-verifier", &[]),
    ("webhook-sender", &[]),
    ("store", &["directory-core"]),
    ("store-*", &["directory-core", "store"]),
    ("provider-*", &["directory-core"]),
    ("sync-engine", &["directory-core", "crypto", "store"]),
    ("http-api", &["directory-core", "crypto", "store", "sync-engine"]),
];

/// `store-*` stands for every name that begins with `store-`.
fn matches(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |start| name.starts_with(start))
}

fn is_of_family(family: &str, name: &str) -> bool {
    name.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

fn is_provider(name: &str) -> bool {
    matches("provider-*", name)
}

fn is_driver(name: &str) -> bool {
    matches("store-*", name)
}

fn is_store(name: &str) -> bool {
    name == "store" || is_driver(name)
}

/// `directory-core`'s tree, given as names, holds nothing impure.
pub(crate) fn core_is_pure(tree: &BTreeSet<String>) -> Vec<String> {
    tree.iter()
        .filter(|name| IMPURE.iter().any(|family| is_of_family(family, name)))
        .map(|name| format!("directory-core has {name} in its tree"))
        .collect()
}

/// What a crate ships knows only the layers below it; a crate that no layer names has no place yet.
pub(crate) fn only_downwards(graph: &Graph) -> Vec<String> {
    let mut broken = Vec::new();
    for member in graph.members().filter(|member| member.lies_in("crates")) {
        let Some((_, below)) = LAYERS.iter().find(|(pattern, _)| matches(pattern, &member.name)) else {
            broken.push(format!("{} is in no layer", member.name));
            continue;
        };
        let others = graph.known_to(member, Arrows::Shipped);
        broken.extend(others.filter(|other| !below.contains(&other.name.as_str())).map(|other| arrow(member, other)));
    }
    broken
}

/// `directory-core` and `crypto` know nothing of ours, in their tests neither.
pub(crate) fn foundations(graph: &Graph) -> Vec<String> {
    graph
        .members()
        .filter(|member| ["directory-core", "crypto"].contains(&member.name.as_str()))
        .flat_map(|member| graph.known_to(member, Arrows::All).map(|other| arrow(member, other)))
        .collect()
}

/// No provider reaches a store and no store a provider, over any number of steps, in their tests neither.
pub(crate) fn providers_and_stores(graph: &Graph) -> Vec<String> {
    let mut broken = Vec::new();
    for member in graph.members() {
        let tree = graph.tree_of(&member.name, Arrows::All);
        for name in tree {
            if (is_provider(&member.name) && is_store(name)) || (is_store(&member.name) && is_provider(name)) {
                broken.push(format!("{} -> {name}", member.name));
            }
        }
    }
    broken
}

/// Only binaries, tests and examples ship with a store's driver; a crate's own tests may use one. What measures the programs from
/// outside has no need of one.
pub(crate) fn drivers(graph: &Graph) -> Vec<String> {
    let may = |member: &Package| ["bins", "tests", "examples"].iter().any(|folder| member.lies_in(folder));
    graph
        .members()
        .filter(|member| !may(member))
        .flat_map(|member| graph.known_to(member, Arrows::Shipped).map(move |other| (member, other)))
        .filter(|(_, other)| is_driver(&other.name))
        .map(|(member, other)| arrow(member, other))
        .collect()
}

/// sqlx comes in by the drivers, by the whole-system tests, which look into the database, and by the benchmarks, whose baselines
/// are the database itself.
pub(crate) fn sqlx(graph: &Graph) -> Vec<String> {
    kept_to(graph, "sqlx", Arrows::All, |member| {
        is_driver(&member.name) || member.lies_in("tests") || member.lies_in("benches")
    })
}

/// reqwest comes in by the providers, by the verifier of a platform's tokens, which fetches that platform's keys, by the sender
/// of webhooks, and by the wiring's option to send traces; tests may make requests.
pub(crate) fn reqwest(graph: &Graph) -> Vec<String> {
    kept_to(graph, "reqwest", Arrows::Shipped, |member| {
        is_provider(&member.name)
            || ["jwt-verifier", "webhook-sender", "directory-wiring"].contains(&member.name.as_str())
    })
}

/// actix comes in by the API, the simulator, the programs, and the benchmarks, which compare the API with a bare handler.
pub(crate) fn actix(graph: &Graph) -> Vec<String> {
    kept_to(graph, "actix", Arrows::Shipped, |member| {
        ["http-api", "entra-simulator"].contains(&member.name.as_str())
            || member.lies_in("bins")
            || member.lies_in("benches")
    })
}

/// Members that bring a family of packages in and may not.
fn kept_to(graph: &Graph, family: &str, arrows: Arrows, may: impl Fn(&Package) -> bool) -> Vec<String> {
    graph
        .members()
        .filter(|member| !may(member))
        .filter_map(|member| {
            let brought = graph.brought_in_by(member, arrows);
            let name = brought.into_iter().find(|name| is_of_family(family, name))?;
            Some(format!("{} brings in {name}", member.name))
        })
        .collect()
}

fn arrow(from: &Package, to: &Package) -> String {
    format!("{} -> {}", from.name, to.name)
}
