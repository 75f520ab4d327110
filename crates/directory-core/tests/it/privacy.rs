//! No `Debug` of this crate shows anybody's data.

use directory_core::{
    AccountKind, Action, Change, DirectoryEntry, DirectoryUser, EmailAddress, ExternalId, LocalUser, PagePlan, UserId,
    UserStatus, Values,
};

const EMAIL: &str = "zoe.doe@acme.example";

fn id() -> UserId {
    "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap()
}

#[expect(clippy::unnecessary_wraps, reason = "every value that it makes is an optional one")]
fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn external_id() -> ExternalId {
    ExternalId::parse("e1").unwrap()
}

fn values() -> Values {
    Values {
        email: text(EMAIL),
        display_name: text("Zoe Doe"),
        given_name: Some(text("Zoe")),
        family_name: Some(text("Doe")),
        status: Some(UserStatus::Active),
        ..Values::default()
    }
}

fn change() -> Change {
    Change {
        seq: 7,
        action: Action::Update,
        target: None,
        external_id: Some(external_id()),
        email: text(EMAIL),
        before: values(),
        after: values(),
        code: None,
        rival: None,
        deactivates: false,
    }
}

fn directory_user() -> DirectoryUser {
    DirectoryUser {
        external_id: external_id(),
        user_principal_name: text(EMAIL),
        mail: text(EMAIL),
        display_name: text("Zoe Doe"),
        given_name: text("Zoe"),
        family_name: text("Doe"),
        enabled: Some(true),
        kind: AccountKind::Member,
    }
}

fn local_user() -> LocalUser {
    LocalUser {
        id: id(),
        version: 1,
        email: EMAIL.to_owned(),
        display_name: "Zoe Doe".to_owned(),
        given_name: text("Zoe"),
        family_name: text("Doe"),
        role: "member".to_owned(),
        status: UserStatus::Active,
        deactivated_by: None,
        link: None,
    }
}

#[test]
fn no_debug_shows_personal_data() {
    let address = EmailAddress::parse(EMAIL).unwrap();
    let shown = [
        (format!("{:?}", PagePlan { changes: vec![change()], ..PagePlan::default() }), "seq: 7"),
        (format!("{:?}", values()), "Active"),
        (format!("{:?}", DirectoryEntry::Present(directory_user())), "e1"),
        (format!("{:?}", local_user()), "01890a5d"),
        (format!("{address:?} {:?}", address.key()), "EmailKey"),
    ];
    for (text, useful) in shown {
        assert!(text.contains(useful), "{text}");
        for private in ["zoe", "doe", "acme"] {
            assert!(!text.to_lowercase().contains(private), "`{private}` in {text}");
        }
    }
}
