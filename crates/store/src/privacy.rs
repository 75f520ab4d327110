//! No `Debug` of this crate shows anybody's data or a secret.

use directory_core::{
    Action, Change, ConnectionId, CredentialKind, ExternalId, LocalUser, Policy, TenantId, UserId, UserStatus, Values,
};
use uuid::Uuid;

use super::*;

const ID: Uuid = Uuid::from_u128(0x0189_0a5d_ac96_774b_bcce_b302_099a_8057);

fn values() -> Values {
    Values {
        email: Some("zoe.doe@acme.example".to_owned()),
        display_name: Some("Zoe Doe".to_owned()),
        given_name: Some(Some("Zoe".to_owned())),
        family_name: Some(Some("Doe".to_owned())),
        ..Values::default()
    }
}

fn change() -> Change {
    Change {
        seq: 7,
        action: Action::Update,
        target: None,
        external_id: ExternalId::parse("e1"),
        email: Some("zoe.doe@acme.example".to_owned()),
        before: values(),
        after: values(),
        code: None,
        rival: None,
        deactivates: false,
    }
}

fn record() -> ChangeRecord {
    let Change { seq, action, external_id, email, before, after, code, rival, .. } = change();
    let (user, user_version) = (Some(UserId(ID)), Some(3));
    ChangeRecord {
        seq,
        action,
        outcome: Outcome::Applied,
        user,
        user_version,
        external_id,
        email,
        before,
        after,
        code,
        rival,
    }
}

fn user() -> UserRecord {
    let at = "2026-01-02T03:04:05Z".parse().unwrap();
    let user = LocalUser {
        id: UserId(ID),
        version: 1,
        email: "zoe.doe@acme.example".to_owned(),
        display_name: "Zoe Doe".to_owned(),
        given_name: Some("Zoe".to_owned()),
        family_name: Some("Doe".to_owned()),
        role: "member".to_owned(),
        status: UserStatus::Active,
        deactivated_by: None,
        link: None,
    };
    UserRecord { user, deactivated_run: None, deactivated_at: None, created_at: at, updated_at: at }
}

fn connection() -> NewConnection {
    NewConnection {
        id: ConnectionId(ID),
        tenant: TenantId(ID),
        provider: "entra".to_owned(),
        display_name: "Zoe's directory".to_owned(),
        directory_id: "d".to_owned(),
        client_id: "c".to_owned(),
        group_id: None,
        cloud: "global".to_owned(),
        default_role: "member".to_owned(),
        policy: Policy::default_for(false),
        schedule: None,
        credential: NewCredential { kind: CredentialKind::ClientSecret, sealed: vec![0xaa; 4], expires_at: None },
    }
}

fn token() -> NewToken {
    let (tenant, name) = (TenantId(ID), "Zoe's laptop".to_owned());
    NewToken { id: ID, tenant, name, role: TokenRole::Admin, hash: [0xaa; 32], expires_at: None }
}

fn audited() -> AuditEntry {
    let members = Some(serde_json::json!({"displayName": "Zoe's directory"}));
    AuditEntry {
        id: ID,
        tenant: TenantId(ID),
        at: "2026-01-02T03:04:05Z".parse().unwrap(),
        actor: Actor::person("zoe@acme.example".to_owned(), Some("Zoe Doe".to_owned())),
        action: "connection.updated".to_owned(),
        subject: Subject { kind: "connection".to_owned(), id: ID.to_string() },
        before: members.clone(),
        after: members,
    }
}

fn event() -> Event {
    let (kind, user) = UserEvent::of(record()).unwrap();
    Event {
        id: EventId::within(ID, 7),
        tenant: TenantId(ID),
        kind,
        at: "2026-01-02T03:04:05Z".parse().unwrap(),
        connection: ConnectionId(ID),
        run: None,
        data: EventData::User(Box::new(user)),
    }
}

fn tenant() -> Tenant {
    let at = "2026-01-02T03:04:05Z".parse().unwrap();
    Tenant { id: TenantId(ID), slug: "acme".to_owned(), name: "Zoe Doe's".to_owned(), created_at: at }
}

#[test]
fn no_debug_shows_personal_data_or_a_secret() {
    let new = NewChange { change: change(), new_user: Some(UserId(ID)) };
    let filter =
        UserFilter { email: Some(directory_core::EmailKey::of("zoe.doe@acme.example")), ..UserFilter::default() };
    let shown = [
        (format!("{:?}", StagedPage { retracted: vec![], changes: vec![new] }), "seq: 7"),
        (format!("{:?}", record()), "seq: 7"),
        (format!("{:?}", user()), "01890a5d"),
        (format!("{filter:?}"), "UserFilter"),
        (format!("{:?}", connection()), "entra"),
        (format!("{:?}", token()), "Admin"),
        (format!("{:?}", audited()), "connection.updated"),
        (format!("{:?}", event()), "UserUpdated"),
        (format!("{:?}", AuditRecord::tenant_created(&tenant())), "TenantCreated"),
    ];
    for (text, useful) in shown {
        assert!(text.contains(useful), "{text}");
        // 0xaa is 170.
        for private in ["zoe", "doe", "acme", "170"] {
            assert!(!text.to_lowercase().contains(private), "`{private}` in {text}");
        }
    }
}
