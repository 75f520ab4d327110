//! The layers of the workspace, as rules on the graph that cargo resolves. ARCHITECTURE.md draws them; a manifest that
//! gains an arrow it must not have fails here, with the arrow's name.

mod graph;
mod rules;

use self::graph::{Graph, core_tree, workspace};

fn assert_none(broken: &[String]) {
    assert!(broken.is_empty(), "the layers are broken:\n  {}", broken.join("\n  "));
}

#[test]
fn the_core_has_no_runtime_http_sql_clock_or_chance_in_its_tree() {
    let tree = core_tree().unwrap();
    // A tree that was read wrongly would pass any rule: these are in it.
    assert!(tree.contains("unicode-normalization") && tree.contains("serde_core"), "{tree:?}");
    assert_none(&rules::core_is_pure(&tree));
}

#[test]
fn a_crate_knows_only_the_layers_below_it() {
    assert_none(&rules::only_downwards(&workspace().unwrap()));
}

#[test]
fn crypto_and_the_core_know_nothing_of_ours() {
    assert_none(&rules::foundations(&workspace().unwrap()));
}

#[test]
fn no_provider_knows_a_store_and_no_store_a_provider() {
    assert_none(&rules::providers_and_stores(&workspace().unwrap()));
}

#[test]
fn only_wiring_tests_and_examples_name_a_driver() {
    assert_none(&rules::drivers(&workspace().unwrap()));
}

#[test]
fn sqlx_is_only_under_the_store_drivers() {
    assert_none(&rules::sqlx(&workspace().unwrap()));
}

#[test]
fn reqwest_is_only_under_the_providers_the_verifier_of_tokens_and_the_sender_of_webhooks() {
    assert_none(&rules::reqwest(&workspace().unwrap()));
}

#[test]
fn actix_is_only_under_the_api_the_simulator_and_the_programs() {
    assert_none(&rules::actix(&workspace().unwrap()));
}

#[test]
fn the_graph_that_is_checked_is_the_workspace() {
    let graph = workspace().unwrap();
    let names: Vec<&str> = graph.members().map(|member| member.name.as_str()).collect();
    for name in ["directory-core", "store-postgres", "provider-entra", "http-api", "directory-server", "system-tests"] {
        assert!(names.contains(&name), "{name} is missing in {names:?}");
    }
    // Each thing that a rule keeps to one place is in that place: a rule about a name that nobody has guards nothing.
    for (member, package) in [("store-postgres", "sqlx"), ("provider-entra", "reqwest"), ("http-api", "actix-web")] {
        assert!(graph.tree_of(member, graph::Arrows::Shipped).contains(package), "{member} without {package}");
    }
}

/// Made-up workspaces: each rule is shown to see what it is for, and to leave alone what it is not for.
mod made_up {
    use super::*;

    /// `folder/name -> name name`; a dependency with a question mark is a dev-dependency; a name without a folder is a
    /// package from outside.
    fn graph(lines: &[&str]) -> Graph {
        Graph::made_up(lines)
    }

    fn assert_one(broken: &[String], part: &str) {
        assert!(broken.len() == 1 && broken[0].contains(part), "{broken:?} instead of one line with {part:?}");
    }

    #[test]
    fn an_impure_core_is_seen() {
        for name in
            ["tokio", "async-std", "hyper-util", "reqwest", "actix-web", "sqlx-core", "chrono", "rand", "getrandom"]
        {
            assert_one(&rules::core_is_pure(&["serde".to_owned(), name.to_owned()].into()), name);
        }
        // A name that only begins like one of them is another package.
        assert_none(&rules::core_is_pure(&["serde".to_owned(), "randomart".to_owned()].into()));
    }

    #[test]
    fn an_arrow_upwards_is_seen() {
        let broken = graph(&["crates/store -> sync-engine", "crates/sync-engine -> crypto", "crates/crypto ->"]);
        assert_one(&rules::only_downwards(&broken), "store -> sync-engine");

        let test_only =
            graph(&["crates/sync-engine -> store store-sqlite?", "crates/store-sqlite -> store", "crates/store ->"]);
        assert_none(&rules::only_downwards(&test_only));

        let program = graph(&[
            "bins/server -> http-api store-sqlite",
            "crates/http-api -> store",
            "crates/store ->",
            "crates/store-sqlite ->",
        ]);
        assert_none(&rules::only_downwards(&program));
    }

    #[test]
    fn a_crate_that_no_layer_names_is_seen() {
        assert_one(&rules::only_downwards(&graph(&["crates/helpers ->"])), "helpers");
        assert_none(&rules::only_downwards(&graph(&[
            "crates/provider-okta -> directory-core",
            "crates/directory-core ->",
        ])));
    }

    #[test]
    fn a_foundation_that_stands_on_something_is_seen() {
        assert_one(&rules::foundations(&graph(&["crates/crypto -> store?", "crates/store ->"])), "crypto -> store");
        assert_none(&rules::foundations(&graph(&["crates/directory-core -> serde", "serde ->"])));
    }

    #[test]
    fn a_path_between_provider_and_store_is_seen_in_either_direction_and_through_others() {
        let direct = graph(&["crates/provider-okta -> store", "crates/store ->"]);
        assert_one(&rules::providers_and_stores(&direct), "provider-okta -> store");

        let back = graph(&["crates/store-x -> provider-okta?", "crates/provider-okta ->"]);
        assert_one(&rules::providers_and_stores(&back), "store-x -> provider-okta");

        let through = graph(&["crates/provider-okta -> sync-engine", "crates/sync-engine -> store", "crates/store ->"]);
        assert_one(&rules::providers_and_stores(&through), "provider-okta -> store");

        let apart = graph(&["bins/server -> provider-okta store", "crates/provider-okta ->", "crates/store ->"]);
        assert_none(&rules::providers_and_stores(&apart));
    }

    #[test]
    fn a_driver_outside_the_wiring_is_seen() {
        let shipped = graph(&["crates/http-api -> store-sqlite", "crates/store-sqlite ->"]);
        assert_one(&rules::drivers(&shipped), "http-api -> store-sqlite");

        let allowed = graph(&[
            "bins/server -> store-postgres",
            "tests/system -> store-postgres?",
            "examples/embedding -> store-sqlite",
            "crates/http-api -> store-sqlite?",
            "crates/store-postgres ->",
            "crates/store-sqlite ->",
        ]);
        assert_none(&rules::drivers(&allowed));
    }

    #[test]
    fn sqlx_elsewhere_is_seen() {
        assert_one(&rules::sqlx(&graph(&["crates/http-api -> sqlx?", "sqlx ->"])), "http-api");
        assert_one(&rules::sqlx(&graph(&["bins/server -> queue", "queue -> sqlx-core", "sqlx-core ->"])), "server");
        let allowed = graph(&[
            "crates/store-x -> sqlx",
            "tests/system -> sqlx?",
            "benches/benchmarks -> sqlx",
            "bins/server -> store-x",
            "sqlx -> sqlx-core",
            "sqlx-core ->",
        ]);
        assert_none(&rules::sqlx(&allowed));
    }

    #[test]
    fn reqwest_elsewhere_is_seen() {
        assert_one(
            &rules::reqwest(&graph(&["crates/sync-engine -> metrics", "metrics -> reqwest", "reqwest ->"])),
            "sync-engine",
        );
        let allowed = graph(&[
            "crates/provider-x -> reqwest",
            "crates/entra-simulator -> reqwest?",
            "crates/jwt-verifier -> reqwest",
            "crates/webhook-sender -> reqwest",
            "bins/server -> provider-x jwt-verifier webhook-sender",
            "reqwest ->",
        ]);
        assert_none(&rules::reqwest(&allowed));
    }

    #[test]
    fn actix_elsewhere_is_seen() {
        assert_one(&rules::actix(&graph(&["crates/sync-engine -> actix-rt", "actix-rt ->"])), "sync-engine");
        let allowed = graph(&[
            "crates/http-api -> actix-web",
            "crates/entra-simulator -> actix-web",
            "bins/server -> actix-web http-api",
            "benches/benchmarks -> actix-web",
            "actix-web -> actix-rt",
            "actix-rt ->",
        ]);
        assert_none(&rules::actix(&allowed));
    }
}
