//! Whatever the directory does, nobody is deactivated by mistake, and the run says what happened.

use entra_simulator::{Config, Fault, FaultKind, Permission, Route};
use serde_json::json;

use crate::{
    main_job::plain,
    support::{Kind, System, on_both_stores},
};

on_both_stores!(a_broken_listing_deactivates_nobody, faults_on_the_way_are_survived, local_suspensions_stay);

async fn a_broken_listing_deactivates_nobody(kind: Kind) {
    let system = System::start(kind, Config { max_page_size: 10, ..plain(50) }).await;
    let connection = system.register(json!({})).await;
    assert_eq!(system.sync(&connection).await["counts"]["created"], 50);
    let rows = system.database.user_rows().await;
    let elsewhere = "https://graph.invalid/v1.0/users?$skiptoken=x".to_owned();
    for (fault, code) in [
        (Fault::new(Route::Users, FaultKind::MissingValue).after(2), "provider_protocol"),
        (Fault::new(Route::Users, FaultKind::LoopingNextLink).after(2), "provider_protocol"),
        (Fault::new(Route::Users, FaultKind::ForeignNextLink { url: elsewhere }).after(2), "provider_protocol"),
        (
            Fault::new(Route::Users, FaultKind::Redirect { location: "https://graph.invalid/".to_owned() }),
            "provider_protocol",
        ),
        (
            Fault::new(Route::Users, FaultKind::status(403, "Authorization_RequestDenied")).after(3),
            "permission_missing",
        ),
    ] {
        let what = format!("{fault:?}");
        system.simulator.add_fault(fault);
        let run = system.sync(&connection).await;
        assert_eq!((&run["status"], &run["error"]["code"]), (&json!("failed"), &json!(code)), "{what}: {run}");
        assert!(!run["error"]["hint"].as_str().unwrap().is_empty(), "{what} has a next step");
        assert_eq!(system.database.user_rows().await, rows, "{what}");
        system.simulator.faults().clear();
    }

    // A permission that is taken away is named, with Graph's id of the request.
    system.simulator.registration().set_permissions([Permission::GroupMemberReadAll]);
    system.simulator.registration().revoke_tokens();
    let run = system.sync(&connection).await;
    assert_eq!(run["error"]["code"], "permission_missing", "{run}");
    assert!(run["error"].to_string().contains("User.Read.All"), "{run}");
    assert!(run["error"]["requestId"].is_string(), "{run}");
    let state = system.get(&format!("/api/directory/connections/{connection}")).await;
    assert_eq!(state["state"], "quarantined");

    // Once it is back, a sync that works lifts the quarantine.
    system.simulator.registration().set_permissions([Permission::UserReadAll]);
    system.simulator.registration().revoke_tokens();
    assert_eq!(system.sync(&connection).await["counts"]["unchanged"], 50);
    let state = system.get(&format!("/api/directory/connections/{connection}")).await;
    assert_eq!((&state["state"], &state["stateReason"]), (&json!("active"), &json!(null)));
}

async fn faults_on_the_way_are_survived(kind: Kind) {
    let system = System::start(kind, Config { max_page_size: 10, ..plain(50) }).await;
    let connection = system.register(json!({})).await;
    // Each of these strikes once: an expired page token restarts the listing, the rest is repeated or followed.
    system.simulator.add_fault(Fault::new(Route::Users, FaultKind::ExpiredPageToken).after(3));
    system.simulator.add_fault(Fault::new(Route::Users, FaultKind::EmptyPage).after(1));
    system.simulator.add_fault(Fault::new(Route::Users, FaultKind::RevokeToken).after(1));
    system.simulator.add_fault(Fault::new(Route::Users, FaultKind::throttled("0.2")).after(2));
    system.simulator.add_fault(Fault::new(Route::Token, FaultKind::throttled_in_plain_text("0")));
    system.simulator.add_fault(Fault::new(Route::Users, FaultKind::DuplicateItems).after(2));
    let run = system.sync(&connection).await;
    assert_eq!(run["status"], "succeeded", "{run}");
    assert_eq!((&run["counts"]["seen"], &run["counts"]["created"]), (&json!(50), &json!(50)));
    assert!(system.simulator.faults().pending().is_empty(), "every fault struck");
    assert_eq!(system.sync(&connection).await["counts"]["unchanged"], 50);
}

async fn local_suspensions_stay(kind: Kind) {
    let system = System::start(kind, plain(5)).await;
    let connection = system.register(json!({})).await;
    system.sync(&connection).await;
    let directory = system.simulator.directory();
    let id = directory.generated_user(2);
    let suspend = format!("UPDATE users SET status = 'inactive' WHERE external_id = '{id}'");
    assert_eq!(system.database.execute(&suspend).await, 1);
    let run = system.sync(&connection).await;
    assert_eq!((&run["counts"]["protected"], &run["counts"]["reactivated"]), (&json!(1), &json!(0)), "{run}");
    let changes = system.all(&format!("/api/directory/runs/{}/changes", run["id"].as_str().unwrap())).await;
    assert_eq!((&changes[0]["action"], &changes[0]["code"]), (&json!("protected"), &json!("suspended_locally")));
    // The person changes their mind; sync goes on as before.
    system.database.execute(&format!("UPDATE users SET status = 'active' WHERE external_id = '{id}'")).await;
    assert_eq!(system.sync(&connection).await["counts"]["unchanged"], 5);
}
