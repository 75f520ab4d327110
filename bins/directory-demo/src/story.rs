//! What the demo shows, step by step.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Result, bail};
use directory_core::{Counts, Credential, Policy};
use entra_simulator::{CLIENT_ID, CLIENT_SECRET, DIRECTORY_ID};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use store::{Actor, ChangeFilter, Connection, CreatedRun, Run, RunMode, SeqPage, Trigger};
use sync_engine::{Registration, RunRequest};

use crate::stage::Stage;

pub(crate) async fn tell(stage: &Stage, address: SocketAddr) -> Result<()> {
    println!("A simulated Entra directory of {} users is running,", stage.simulator.directory().user_count());
    println!("and an empty users table in an embedded SQLite database.\n");

    println!("1. The tenant's admin registers the directory; the client secret is sealed before it is stored.");
    let connection = stage.engine.register(Actor::SYSTEM, registration(stage)).await?;
    println!("   connection {}\n", connection.id);

    println!("2. The first sync.");
    let run = sync(stage, &connection).await?;
    print_counts(&run.counts);

    println!(
        "\n3. In the directory somebody is renamed, two people swap addresses, one account is disabled, one person leaves."
    );
    change_the_directory(stage)?;

    println!("\n4. The second sync finds exactly that.");
    let run = sync(stage, &connection).await?;
    print_counts(&run.counts);
    print_changes(stage, &run).await?;

    println!("\n5. A third sync has nothing to do.");
    let run = sync(stage, &connection).await?;
    print_counts(&run.counts);

    print_what_next(stage, &connection, &run, address);
    Ok(())
}

fn registration(stage: &Stage) -> Registration {
    Registration {
        tenant: stage.tenant,
        provider: "entra".to_owned(),
        display_name: "Acme Entra".to_owned(),
        directory_id: DIRECTORY_ID.to_string(),
        client_id: CLIENT_ID.to_string(),
        credential: Credential::ClientSecret(SecretString::from(CLIENT_SECRET)),
        group_id: None,
        cloud: "global".to_owned(),
        default_role: "member".to_owned(),
        policy: Policy::default_for(false),
        schedule: None,
        credential_expires_at: None,
    }
}

async fn sync(stage: &Stage, connection: &Connection) -> Result<Run> {
    let request = RunRequest {
        tenant: stage.tenant,
        connection: connection.id,
        mode: RunMode::Auto,
        trigger: Trigger::Manual,
        dry_run: false,
    };
    let CreatedRun::Queued(run) = stage.engine.request_run(Actor::SYSTEM, request).await? else {
        bail!("another sync is running")
    };
    loop {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let Some(run) = stage.engine.store().run(stage.tenant, run.id).await? else { bail!("the run is gone") };
        if let Some(error) = &run.error {
            bail!("{} {}", error.message, error.hint);
        }
        if !run.status.is_active() {
            println!("   {}", run.status.as_str());
            return Ok(run);
        }
    }
}

/// Users 1 to 5 have nothing special about them.
fn change_the_directory(stage: &Stage) -> Result<()> {
    let directory = stage.simulator.directory();
    let id = |index| directory.generated_user(index);
    let mail = |index| directory.user(id(index)).and_then(|user| user.get("mail").cloned());
    let (second, third) = (mail(2), mail(3));
    directory.update_user(id(1), &json!({"displayName": "Alex Newname"}))?;
    directory.update_user(id(2), &json!({"mail": third}))?;
    directory.update_user(id(3), &json!({"mail": second}))?;
    directory.update_user(id(4), &json!({"accountEnabled": false}))?;
    directory.delete_user(id(5))?;
    Ok(())
}

fn print_counts(counts: &Counts) {
    let all = [
        ("seen", counts.seen),
        ("created", counts.created),
        ("updated", counts.updated),
        ("linked", counts.linked),
        ("deactivated", counts.deactivated),
        ("reactivated", counts.reactivated),
        ("unchanged", counts.unchanged),
        ("excluded", counts.excluded),
        ("protected", counts.protected),
        ("conflicts", counts.conflicts),
    ];
    let told: Vec<String> = all.iter().filter(|(_, n)| *n > 0).map(|(name, n)| format!("{n} {name}")).collect();
    let told = if told.is_empty() { "0 seen, since nothing has changed".to_owned() } else { told.join(", ") };
    println!("   {told}");
}

async fn print_changes(stage: &Stage, run: &Run) -> Result<()> {
    let page = SeqPage { after: 0, limit: 20 };
    for change in stage.engine.store().changes(stage.tenant, run.id, ChangeFilter::default(), page).await? {
        let email = change.email.as_deref().unwrap_or("(no address)");
        let (before, after) = (serde_json::to_string(&change.before)?, serde_json::to_string(&change.after)?);
        println!("   {:10} {email}\n              {before}\n           -> {after}", change.action.as_str());
    }
    Ok(())
}

fn print_what_next(stage: &Stage, connection: &Connection, run: &Run, address: SocketAddr) {
    let api = format!("http://{address}/api/directory");
    let user = stage.simulator.directory().generated_user(7);
    println!("\nGo on by hand. In another terminal:\n");
    println!("  export AUTH='Authorization: Bearer {}'", stage.token.expose_secret());
    println!("  curl -H \"$AUTH\" {api}/connections");
    println!("  curl -H \"$AUTH\" '{api}/users?limit=3'");
    println!(
        "  curl -X PATCH {}/control/users/{user} -d '{{\"displayName\":\"Somebody Else\"}}'",
        stage.simulator.graph_url()
    );
    println!("  curl -X POST -H \"$AUTH\" {api}/connections/{}/sync", connection.id);
    println!("  curl -H \"$AUTH\" {api}/connections/{}/runs", connection.id);
    println!("  curl -H \"$AUTH\" {api}/runs/{}/changes   # or the id of your own run", run.id);
    println!("\nThe simulated directory is at {0} (GET {0}/control).", stage.simulator.graph_url());
}
