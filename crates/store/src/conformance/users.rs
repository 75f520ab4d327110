//! Reading the users table.

use std::collections::BTreeSet;

use directory_core::{ConnectionId, EmailKey, ExternalId, LocalUser, Profile, TenantId, UserId, UserStatus};
use uuid::Uuid;

use super::{
    Harness,
    world::{World, add_connection, add_tenant, external, id, quote, second},
};
use crate::{Actor, IdPage, UserFilter};

const FIRST: IdPage = IdPage { after: None, limit: 100 };

fn ids(users: &[LocalUser]) -> BTreeSet<UserId> {
    users.iter().map(|user| user.id).collect()
}

fn keys(addresses: &[&str]) -> Vec<EmailKey> {
    addresses.iter().map(|address| EmailKey::of(address)).collect()
}

/// A row that the product wrote with nothing but what it must has sensible defaults.
pub async fn a_plain_row_has_defaults(harness: &dyn Harness) {
    let world = World::new(harness).await;
    world.sql(&format!("INSERT INTO users (tenant_id, email) VALUES ('{}', 'plain@acme.example')", world.tenant)).await;
    let found = world.store.users_by_email(world.tenant, &keys(&["plain@acme.example"])).await.unwrap();
    let record = world.user(found[0].id).await;
    assert_eq!(record.user, found[0]);
    let expected = LocalUser {
        id: found[0].id,
        version: 1,
        email: "plain@acme.example".to_owned(),
        display_name: String::new(),
        given_name: None,
        family_name: None,
        role: "member".to_owned(),
        status: UserStatus::Active,
        deactivated_by: None,
        link: None,
    };
    assert_eq!(record.user, expected);
    assert_eq!((record.deactivated_run, record.deactivated_at), (None, None));
    assert!(record.created_at > second("2020-01-01T00:00:00Z"));
    assert_eq!(record.created_at, record.updated_at);
    assert_eq!(record.user.id.0.get_version_num(), 4);
}

/// Times as plain SQL writes them can be read.
pub async fn times_of_plain_sql_are_read(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.local_user("a@acme.example").await;
    world.update_user(user.id, "created_at = CURRENT_TIMESTAMP").await;
    assert!(world.user(user.id).await.created_at > second("2020-01-01T00:00:00Z"));
    world.update_user(user.id, "created_at = '2021-02-03 04:05:06+00:00'").await;
    assert_eq!(world.user(user.id).await.created_at, second("2021-02-03T04:05:06Z"));
}

/// Text is kept as it is, whatever its script.
pub async fn odd_text_is_kept(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.local_user("zoë.o'neil+tag@äcme.example").await;
    let name = "\u{202e}\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} e\u{301} \\ \" ' % _ \t \u{10ffff}";
    world.update_user(user.id, &format!("display_name = {}, given_name = ''", quote(name))).await;
    let read = world.user(user.id).await.user;
    assert_eq!((read.email.as_str(), read.display_name.as_str()), ("zoë.o'neil+tag@äcme.example", name));
    assert_eq!(read.given_name.as_deref(), Some(""), "empty is not absent");
}

/// Linked users are found by exactly their ids.
pub async fn users_are_found_by_external_id(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let one = world.linked_user("a@acme.example", "Ext-1").await;
    let two = world.linked_user("b@acme.example", "ext-'2'é").await;
    world.linked_user("c@acme.example", "ext-3").await;
    world.local_user("d@acme.example").await;
    let wanted: Vec<ExternalId> = ["Ext-1", "ext-'2'é", "EXT-3", "ext-9"].map(external).into();
    let find = async |connection: ConnectionId, wanted: &[ExternalId]| {
        world.store.users_by_external_id(world.tenant, connection, wanted).await.unwrap()
    };
    let found = find(world.connection, &wanted).await;
    assert_eq!(ids(&found), BTreeSet::from([one.id, two.id]), "case counts");
    assert!(found.contains(&one), "as every other read has it");
    assert_eq!(find(world.connection, &[]).await, []);
    let other = add_connection(&*world.store, world.tenant).await;
    assert_eq!(find(other, &wanted).await, [], "linked to another connection");
}

/// Addresses are found whatever the case of their ASCII letters; other letters are compared exactly.
pub async fn users_are_found_by_email(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let mixed = world.local_user("Mixed.Case@Acme.Example").await;
    let accents = world.linked_user("zoë@acme.example", "ext-1").await;
    world.local_user("unasked@acme.example").await;
    let wanted = keys(&["mixed.case@acme.example", "ZOë@ACME.example", "nobody@acme.example"]);
    let found = world.store.users_by_email(world.tenant, &wanted).await.unwrap();
    assert_eq!(ids(&found), BTreeSet::from([mixed.id, accents.id]));
    assert_eq!(world.store.users_by_email(world.tenant, &keys(&["zoË@acme.example"])).await.unwrap(), []);
    assert_eq!(world.store.users_by_email(world.tenant, &[]).await.unwrap(), []);
}

/// A page's worth of keys in one question.
pub async fn a_thousand_keys_are_one_question(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.linked_user("user999@acme.example", "ext-999").await;
    let emails: Vec<EmailKey> = (0..1_000).map(|n| EmailKey::of(&format!("User{n}@acme.example"))).collect();
    let externals: Vec<ExternalId> = (0..1_000).map(|n| external(&format!("ext-{n}"))).collect();
    let by_email = world.store.users_by_email(world.tenant, &emails).await.unwrap();
    let by_id = world.store.users_by_external_id(world.tenant, world.connection, &externals).await.unwrap();
    assert_eq!((by_email, by_id), (vec![user.clone()], vec![user]));
}

/// The walk over linked users meets each active one once, in one order, whatever the page's size.
pub async fn active_linked_users_are_walked_once(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let mut expected = BTreeSet::new();
    for (n, name) in ["b", "A", "a-1", "a_1", "Z", "é", "10", "9", "a.b", "\u{1f600}"].into_iter().enumerate() {
        world.linked_user(&format!("user{n}@acme.example"), name).await;
        expected.insert(name.to_owned());
    }
    let gone = world.linked_user("gone@acme.example", "gone").await;
    world.update_user(gone.id, "status = 'inactive'").await;
    world.local_user("local@acme.example").await;

    let mut orders = Vec::new();
    for limit in [1, 3, 100] {
        let mut order: Vec<String> = Vec::new();
        let mut after: Option<ExternalId> = None;
        loop {
            let page =
                world.store.active_linked_users(world.tenant, world.connection, after.as_ref(), limit).await.unwrap();
            assert!(page.len() <= limit as usize);
            let Some(last) = page.last() else { break };
            after = Some(last.external_id.clone());
            order.extend(page.iter().map(|user| user.external_id.to_string()));
        }
        orders.push(order);
    }
    assert_eq!(orders[2].len(), expected.len());
    assert_eq!(orders[2].iter().cloned().collect::<BTreeSet<_>>(), expected);
    assert!(orders.iter().all(|order| *order == orders[2]));
}

/// What the walk says of a user is what the row says.
pub async fn a_linked_user_is_as_its_row(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.linked_user("A@acme.example", "ext-1").await;
    world.update_user(user.id, "role = 'owner'").await;
    let walked = world.store.active_linked_users(world.tenant, world.connection, None, 10).await.unwrap();
    let row = world.user(user.id).await.user;
    assert_eq!(walked.len(), 1);
    let linked = &walked[0];
    assert_eq!((linked.id, linked.version, linked.email.as_str()), (row.id, row.version, "A@acme.example"));
    assert_eq!((linked.role.as_str(), linked.external_id.as_str()), ("owner", "ext-1"));
}

/// Everybody who is linked to the connection is told of once, as their row says, whatever their status.
pub async fn linked_users_are_told_of_once(harness: &dyn Harness) {
    let world = World::new(harness).await;
    assert_eq!(told(&world, world.tenant).await, Vec::<String>::new());
    let ann = world.linked_user("Ann@acme.example", "b").await;
    world.update_user(ann.id, "display_name = 'Ann', given_name = 'A', family_name = NULL").await;
    let bob = world.linked_user("bob@acme.example", " a ").await;
    world.update_user(bob.id, "status = 'inactive', deactivated_by = 'directory_absent', display_name = ''").await;
    world.local_user("local@acme.example").await;
    let expected = [
        r#"" a " bob@acme.example "" None None Inactive Some(DirectoryAbsent)"#,
        r#""b" Ann@acme.example "Ann" Some("A") None Active None"#,
    ];
    assert_eq!(told(&world, world.tenant).await, expected);
    let other = add_tenant(&*world.store, "other").await;
    assert_eq!(told(&world, other).await, Vec::<String>::new());
}

async fn told(world: &World, tenant: TenantId) -> Vec<String> {
    let mut told = Vec::new();
    let mut each = |user: &Profile<'_>| {
        let Profile { external_id, email, display_name, given_name, family_name, status, deactivated_by } = *user;
        told.push(format!(
            "{external_id:?} {email} {display_name:?} {given_name:?} {family_name:?} {status:?} {deactivated_by:?}"
        ));
    };
    world.store.linked_profiles(tenant, world.connection, &mut each).await.unwrap();
    told.sort();
    told
}

/// The engine's last step gets the counts of active users.
pub async fn facts_count_active_users(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let roles = ["admin", "owner", "member"].map(str::to_owned);
    for (n, role) in ["admin", "admin", "member", "owner"].into_iter().enumerate() {
        let user = world.linked_user(&format!("linked{n}@acme.example"), &format!("ext-{n}")).await;
        world.update_user(user.id, &format!("role = '{role}'")).await;
    }
    let local = world.local_user("local@acme.example").await;
    world.update_user(local.id, "role = 'admin'").await;
    let gone = world.linked_user("gone@acme.example", "gone").await;
    world.update_user(gone.id, "role = 'owner', status = 'inactive'").await;

    let facts = world.store.tenant_facts(world.tenant, world.connection, &roles).await.unwrap();
    assert_eq!(facts.active_linked, 4);
    let of = |role: &str| facts.active_by_role.get(role).copied().unwrap_or(0);
    assert_eq!((of("admin"), of("owner"), of("member")), (3, 1, 1), "the whole tenant's, linked or not");

    let fewer = world.store.tenant_facts(world.tenant, world.connection, &roles[1..2]).await.unwrap();
    assert_eq!(fewer.active_by_role.keys().collect::<Vec<_>>(), ["owner"], "only the roles asked for");
    let none = world.store.tenant_facts(world.tenant, ConnectionId(id()), &[]).await.unwrap();
    assert_eq!((none.active_linked, none.active_by_role.len()), (0, 0));
}

/// Users of ignored directory users are not the connection's to govern; ignored ids that nobody has count for nothing.
pub async fn facts_leave_ignored_users_out(harness: &dyn Harness) {
    let world = World::new(harness).await;
    for n in 0..3 {
        world.linked_user(&format!("linked{n}@acme.example"), &format!("ext-{n}")).await;
    }
    let gone = world.linked_user("gone@acme.example", "gone").await;
    world.update_user(gone.id, "status = 'inactive'").await;
    for ignored in ["ext-1", "gone", "nobody"] {
        assert!(
            world.store.ignore_user(Actor::SYSTEM, world.tenant, world.connection, &external(ignored)).await.unwrap()
        );
    }
    let roles = ["member".to_owned()];
    let facts = world.store.tenant_facts(world.tenant, world.connection, &roles).await.unwrap();
    assert_eq!((facts.active_linked, facts.active_by_role["member"]), (2, 3), "in its role everybody counts");
}

/// The list of users can be narrowed by connection, status and address, alone and together.
pub async fn users_are_filtered(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let linked = world.linked_user("linked@acme.example", "ext-1").await.id;
    let gone = world.linked_user("gone@acme.example", "ext-2").await.id;
    world.update_user(gone, "status = 'inactive'").await;
    let local = world.local_user("Local@acme.example").await.id;
    let list = async |filter: UserFilter| -> Vec<UserId> {
        let users = world.store.users(world.tenant, &filter, FIRST).await.unwrap();
        users.into_iter().map(|record| record.user.id).collect()
    };
    let connection = Some(world.connection);
    let status = Some(UserStatus::Inactive);
    let email = Some(EmailKey::of("LOCAL@acme.example"));
    assert_eq!(list(UserFilter::default()).await, [linked, gone, local]);
    assert_eq!(list(UserFilter { connection, ..UserFilter::default() }).await, [linked, gone]);
    assert_eq!(list(UserFilter { status, ..UserFilter::default() }).await, [gone]);
    assert_eq!(list(UserFilter { email: email.clone(), ..UserFilter::default() }).await, [local]);
    assert_eq!(list(UserFilter { connection, status, email: None }).await, [gone]);
    assert_eq!(list(UserFilter { connection, status: None, email }).await, []);
}

/// Pages of users start after the last id of the page before.
pub async fn users_are_paged_by_id(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let mut made = Vec::new();
    for n in 0..5 {
        made.push(world.local_user(&format!("user{n}@acme.example")).await.id);
    }
    let mut listed: Vec<UserId> = Vec::new();
    loop {
        let after: Option<Uuid> = listed.last().map(|last| last.0);
        let page = world.store.users(world.tenant, &UserFilter::default(), IdPage { after, limit: 2 }).await.unwrap();
        assert!(page.len() <= 2);
        if page.is_empty() {
            break;
        }
        listed.extend(page.into_iter().map(|record| record.user.id));
    }
    assert_eq!(listed, made);
}

/// No read answers with another tenant's users, even where ids, addresses and links are the same.
pub async fn users_are_the_tenants_own(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.linked_user("same@acme.example", "ext-1").await;
    let other = add_tenant(&*world.store, "other").await;
    let store = &world.store;
    let emails = keys(&["same@acme.example"]);
    let externals = [external("ext-1")];
    let roles = ["member".to_owned()];

    assert_eq!(store.user(other, user.id).await.unwrap(), None);
    assert_eq!(store.users(other, &UserFilter::default(), FIRST).await.unwrap(), []);
    assert_eq!(store.users_by_email(other, &emails).await.unwrap(), []);
    assert_eq!(store.users_by_external_id(other, world.connection, &externals).await.unwrap(), []);
    assert_eq!(store.active_linked_users(other, world.connection, None, 10).await.unwrap(), []);
    let facts = store.tenant_facts(other, world.connection, &roles).await.unwrap();
    assert_eq!((facts.active_linked, facts.active_by_role.values().sum::<u64>()), (0, 0));

    world
        .sql(&format!(
            "INSERT INTO users (tenant_id, id, email, display_name, connection_id, external_id) \
             VALUES ('{other}', '{}', 'same@acme.example', 'Twin', '{}', 'ext-1')",
            user.id, world.connection
        ))
        .await;
    assert_eq!(store.users_by_email(world.tenant, &emails).await.unwrap(), std::slice::from_ref(&user));
    let ours = store.users_by_external_id(world.tenant, world.connection, &externals).await.unwrap();
    assert_eq!(ours, std::slice::from_ref(&user));
    assert_eq!(store.user(other, user.id).await.unwrap().unwrap().user.display_name, "Twin");
    assert_eq!(store.users(world.tenant, &UserFilter::default(), FIRST).await.unwrap().len(), 1);
    assert_eq!(store.active_linked_users(world.tenant, world.connection, None, 10).await.unwrap().len(), 1);
    assert_eq!(store.tenant_facts(world.tenant, world.connection, &roles).await.unwrap().active_linked, 1);
}
