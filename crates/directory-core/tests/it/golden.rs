//! One golden plan for each rule. The snapshot is the plan as text; a refactor keeps it.

use directory_core::{
    AccountKind, DeactivatedBy, DirectoryEntry, DirectoryUser, EmailAttribute, HoldReason, Link, ListingEnd, LocalUser,
    Policy, UserStatus, Verdict,
};

use directory_core::check as check_plan;

use crate::world::{World, disabled, elsewhere, here, id, page, person, suspended, tally, with_mail};

struct Input {
    world: World,
    pages: Vec<Vec<DirectoryEntry>>,
    policy: Policy,
    end: ListingEnd,
}

fn input(world: World, users: impl IntoIterator<Item = DirectoryUser>) -> Input {
    Input { world, pages: vec![page(users)], policy: Policy::default_for(false), end: ListingEnd::Complete }
}

/// Plans the input, holds the plan against the snapshot, applies it and shows that a second plan has nothing to do.
fn check(name: &str, input: Input) {
    let Input { mut world, pages, policy, end } = input;
    let plan = world.plan(&pages, &policy, end);
    let counts = serde_json::to_string(&plan.summary.counts).unwrap();
    let mut text = plan.lines();
    text.push(format!("active {}, counts {counts}", plan.summary.active));
    insta::assert_snapshot!(name, text.join("\n"));

    let tally = tally(&plan);
    assert_eq!(plan.summary.counts.deactivated, tally.get("deactivates").copied().unwrap_or(0));
    assert_eq!(plan.summary.counts.conflicts, tally.get("conflict").copied().unwrap_or(0));
    assert_eq!(world.apply(&plan), plan.summary.counts.deactivated);
    assert_eq!(world.plan(&pages, &policy, end).applicable(), 0, "the second plan is empty");
}

fn link_to(connection: directory_core::ConnectionId, text: &str) -> impl FnOnce(&mut LocalUser) {
    let external_id = id(text);
    move |user| user.link = Some(Link { connection, external_id })
}

#[test]
fn rule_01_same_values_are_unchanged() {
    check("rule_01", input(World::default().linked("ann").linked("bob"), [person("ann"), person("bob")]));
}

#[test]
fn rule_02_other_values_are_updated() {
    let ann = DirectoryUser {
        mail: Some("ANN.new@example.org".to_owned()),
        display_name: Some("  Ann\u{e9} ".to_owned()),
        given_name: Some("Ann".to_owned()),
        ..person("ann")
    };
    let world = World::default()
        .with("ann", |user| {
            link_to(here(), "id-ann")(user);
            user.family_name = Some("Gone".to_owned());
        })
        .linked("bob");
    // Only the spelling of Bob's address changes: no claim, but the directory's spelling is kept.
    check("rule_02", input(world, [ann, with_mail("bob", "Bob@Example.org")]));
}

#[test]
fn rule_03_who_comes_back_is_reactivated() {
    let world = World::default()
        .with("ann", |user| {
            link_to(here(), "id-ann")(user);
            suspended(Some(DeactivatedBy::DirectoryAbsent))(user);
        })
        .with("bob", |user| {
            link_to(here(), "id-bob")(user);
            suspended(Some(DeactivatedBy::DirectoryDisabled))(user);
        });
    let bob = DirectoryUser { display_name: Some("Robert".to_owned()), ..person("bob") };
    check("rule_03", input(world, [person("ann"), bob]));
}

#[test]
fn rule_04_a_local_suspension_stays() {
    let world = World::default()
        .with("ann", |user| {
            link_to(here(), "id-ann")(user);
            suspended(None)(user);
        })
        .with("bob", |user| {
            link_to(here(), "id-bob")(user);
            suspended(Some(DeactivatedBy::Admin))(user);
        });
    let bob = DirectoryUser { display_name: Some("Robert".to_owned()), ..person("bob") };
    check("rule_04", input(world, [person("ann"), bob]));
}

#[test]
fn rule_05_a_disabled_account_is_deactivated() {
    let world = World::default().linked("ann").linked("bob").with("cid", |user| {
        link_to(here(), "id-cid")(user);
        suspended(Some(DeactivatedBy::DirectoryDisabled))(user);
    });
    let bob = DirectoryUser { enabled: None, ..person("bob") };
    check("rule_05", input(world, [disabled("ann"), bob, disabled("cid")]));
}

#[test]
fn rule_06_a_local_user_is_adopted_by_email() {
    let world = World::default()
        .with("ann", |user| user.email = "ANN@example.org".to_owned())
        .with("bob", suspended(None))
        .with("cid", |user| user.role = "owner".to_owned())
        .with("dan", |_| {});
    let users = [person("ann"), person("bob"), person("cid"), disabled("dan")];
    check("rule_06", input(world, users));
}

#[test]
fn rule_06_adoption_can_be_limited_to_domains_or_switched_off() {
    let world = World::default().with("ann", |_| {}).with("bob", |user| user.email = "bob@other.test".to_owned());
    let users = [person("ann"), with_mail("bob", "bob@other.test")];
    let mut limited = input(world.clone(), users.clone());
    limited.policy.adopt_domains = Some(vec!["Other.TEST".to_owned()]);
    check("rule_06_domains", limited);
    let mut off = input(world, users);
    off.policy.adopt_by_email = false;
    check("rule_06_off", off);
}

#[test]
fn rule_06_two_directory_users_for_one_local_user_are_left_to_a_person() {
    let world = World::default().with("ann", |_| {});
    check("rule_06_ambiguous", input(world, [person("ann"), with_mail("bob", "ann@example.org")]));
}

#[test]
fn rule_07_a_recycled_address_hands_nobody_over() {
    let world = World::default()
        .with("ann", link_to(here(), "id-former-ann"))
        .with("bob", link_to(elsewhere(), "id-bob"))
        .linked("cid")
        .linked("dan");
    let users = [
        person("ann"),
        person("bob"),
        // A linked user cannot take an address of another connection's user either; the rest is updated.
        DirectoryUser { display_name: Some("Cidney".to_owned()), ..with_mail("cid", "bob@example.org") },
        with_mail("dan", "bob@example.org"),
    ];
    let mut input = input(world, users);
    input.policy.deactivate_missing = false;
    check("rule_07", input);
}

#[test]
fn rule_08_nobody_here_is_created() {
    let nameless = DirectoryUser {
        display_name: None,
        given_name: Some("Bob".to_owned()),
        family_name: Some("B\u{f6}hm".to_owned()),
        ..person("bob")
    };
    let bare = DirectoryUser { display_name: Some(" ".to_owned()), ..person("cid") };
    let silent = DirectoryUser { enabled: None, ..person("eve") };
    check("rule_08", input(World::default(), [person("ann"), nameless, bare, disabled("dan"), silent]));
}

#[test]
fn rule_09_who_is_absent_is_deactivated_if_the_policy_says_so() {
    let world = World::default()
        .linked("ann")
        .linked("bob")
        .with("cid", link_to(elsewhere(), "id-cid"))
        .with("dan", |_| {})
        .with("eve", |user| {
            link_to(here(), "id-eve")(user);
            suspended(Some(DeactivatedBy::Admin))(user);
        });
    check("rule_09", input(world.clone(), [person("ann")]));
    let mut kept = input(world.clone(), [person("ann")]);
    kept.policy.deactivate_missing = false;
    check("rule_09_policy_off", kept);
    let mut partial = input(world.clone(), [person("ann")]);
    partial.end = ListingEnd::Incremental;
    check("rule_09_incremental", partial);
    let mut removed = input(world, []);
    removed.pages = vec![vec![DirectoryEntry::Removed(id("id-bob")), DirectoryEntry::Removed(id("id-nobody"))]];
    removed.end = ListingEnd::Incremental;
    check("rule_09_removed", removed);
}

#[test]
fn rule_10_the_last_of_a_protected_role_stays() {
    let admin = |user: &mut LocalUser| user.role = "admin".to_owned();
    let world = World::default()
        .with("ann", |user| {
            link_to(here(), "id-ann")(user);
            admin(user);
        })
        .with("bob", |user| {
            link_to(here(), "id-bob")(user);
            admin(user);
        })
        .with("cid", |user| {
            link_to(here(), "id-cid")(user);
            user.role = "owner".to_owned();
        });
    // Both administrators go, one stays; so does the only owner. Cid's move to another address is refused with it.
    let cid = DirectoryUser { enabled: Some(false), ..with_mail("cid", "cid.new@example.org") };
    let new = with_mail("dan", "cid@example.org");
    check("rule_10", input(world, [disabled("ann"), cid, new]));
}

#[test]
fn rule_10_an_ambiguous_adoption_replaces_no_administrator() {
    let admin = |user: &mut LocalUser| user.role = "admin".to_owned();
    let world = World::default()
        .with("ann", |user| {
            link_to(here(), "id-ann")(user);
            admin(user);
        })
        // Deactivated by a sync whose connection is gone; nobody can tell which of two directory users it is.
        .with("bob", |user| {
            admin(user);
            suspended(Some(DeactivatedBy::DirectoryAbsent))(user);
        });
    let users = [disabled("ann"), person("bob"), with_mail("bob2", "bob@example.org")];
    check("rule_10_ambiguous_return", input(world, users));
}

#[test]
fn rule_10_a_refusal_hides_no_ambiguity() {
    let world = World::default().with("boss", |user| user.role = "admin".to_owned());
    check("rule_10_ambiguous_leave", input(world, [disabled("boss"), with_mail("mallory", "boss@example.org")]));
}

#[test]
fn rule_11_without_an_address_a_linked_user_keeps_its_own() {
    let mute = |name: &str| DirectoryUser { mail: None, user_principal_name: None, ..person(name) };
    let ann = DirectoryUser { display_name: Some("Anna".to_owned()), ..mute("ann") };
    let guest = DirectoryUser {
        user_principal_name: Some("cid_partner.test#EXT#@example.onmicrosoft.com".to_owned()),
        mail: None,
        ..person("cid")
    };
    check("rule_11", input(World::default().linked("ann"), [ann, mute("bob"), guest]));
}

#[test]
fn rule_12_the_last_word_about_a_user_counts_once() {
    let mut last = input(World::default().linked("ann"), []);
    let renamed = DirectoryUser { display_name: Some("Other".to_owned()), ..person("ann") };
    last.pages =
        vec![page([renamed, person("bob")]), page([person("ann"), with_mail("bob", "b@example.org"), disabled("bob")])];
    check("rule_12", last);
}

#[test]
fn rule_13_the_one_who_has_the_address_keeps_it() {
    let world = World::default().linked("zoe");
    let users = [
        with_mail("ann", "zoe@example.org"),
        person("zoe"),
        // Neither has the address yet: the enabled account comes first, then the smaller id.
        DirectoryUser { enabled: Some(false), ..with_mail("a-disabled", "new@example.org") },
        with_mail("b-enabled", "new@example.org"),
        with_mail("c-enabled", "new@example.org"),
    ];
    check("rule_13", input(world, users));
}

#[test]
fn rule_13_a_loser_is_still_updated_and_deactivated() {
    let world = World::default().linked("ann").linked("bob").linked("cid").linked("dan");
    let users = [
        person("ann"),
        DirectoryUser { display_name: Some("Bobby".to_owned()), ..with_mail("bob", "ann@example.org") },
        DirectoryUser { enabled: Some(false), ..with_mail("cid", "ann@example.org") },
        person("dan"),
    ];
    check("rule_13_losers", input(world, users));
}

#[test]
fn rule_13_who_keeps_an_address_without_having_it_in_the_directory_is_no_duplicate() {
    let world = World::default().with("ann", |user| {
        link_to(here(), "id-ann")(user);
        suspended(None)(user);
    });
    check("rule_13_kept", input(world, [with_mail("ann", "ann.new@example.org"), with_mail("new", "ann@example.org")]));
}

#[test]
fn rule_13_nobody_is_named_after_an_address_that_is_taken() {
    let nameless = DirectoryUser { display_name: None, ..with_mail("ann", "bob@example.org") };
    check("rule_13_nameless", input(World::default().linked("ann").linked("bob"), [nameless, person("bob")]));
}

#[test]
fn rule_13_of_two_who_move_the_enabled_account_comes_first() {
    let gone = DirectoryUser { enabled: Some(false), ..with_mail("ann", "new@example.org") };
    let users = [gone, with_mail("bob", "new@example.org"), person("cid"), person("dan")];
    check("rule_13_movers", input(World::default().linked("ann").linked("bob").linked("cid").linked("dan"), users));
}

#[test]
fn rule_14_addresses_move_in_chains_and_circles() {
    let world = World::default().linked("ann").linked("bob").linked("cid").linked("dan").linked("eve");
    let mut input = input(world, []);
    input.pages = vec![
        // Ann and Bob swap; Cid -> Dan -> Eve -> free; a new user takes Cid's.
        page([with_mail("new", "cid@example.org"), with_mail("ann", "bob@example.org")]),
        page([with_mail("cid", "dan@example.org")]),
        page([with_mail("dan", "eve@example.org"), with_mail("bob", "ann@example.org")]),
        page([with_mail("eve", "free@example.org")]),
    ];
    check("rule_14", input);
}

#[test]
fn rule_14_a_chain_that_ends_at_somebody_who_stays_fails_as_a_whole() {
    let world = World::default().linked("ann").linked("bob").linked("cid");
    let users = [
        with_mail("ann", "bob@example.org"),
        with_mail("bob", "cid@example.org"),
        person("cid"),
        with_mail("new", "ann@example.org"),
    ];
    check("rule_14_blocked", input(world, users));
}

#[test]
fn filters_leave_guests_and_disabled_accounts_out() {
    let guest = |name: &str| DirectoryUser { kind: AccountKind::Guest, ..person(name) };
    let world = World::default().linked("ann").linked("bob").linked("cid");
    let users = [
        guest("ann"),
        // The deactivation of a disabled account depends on no filter.
        DirectoryUser { enabled: Some(false), ..guest("bob") },
        disabled("cid"),
        guest("new"),
        disabled("other"),
    ];
    let mut input = input(world, users);
    input.policy.include_disabled = false;
    check("filters", input);
}

#[test]
fn one_bad_record_is_a_conflict_and_not_the_end() {
    let world = World::default().linked("ann").linked("bob");
    let mut known = input(world.clone(), []);
    known.pages = vec![vec![DirectoryEntry::Unreadable(Some(id("id-ann")))]];
    check("unreadable_known", known);
    let mut unknown = input(world, []);
    unknown.pages = vec![vec![DirectoryEntry::Unreadable(None), DirectoryEntry::Present(person("ann"))]];
    check("unreadable_unknown", unknown);
}

#[test]
fn the_policy_chooses_the_address() {
    let ann = DirectoryUser { user_principal_name: Some("upn@example.org".to_owned()), ..person("ann") };
    let mut input = input(World::default(), [ann]);
    input.policy.email_attribute = EmailAttribute::UserPrincipalName;
    check("email_attribute", input);
}

#[test]
fn an_inactive_user_of_a_disabled_account_is_kept_up_to_date() {
    let world = World::default().with("ann", |user| {
        link_to(here(), "id-ann")(user);
        user.status = UserStatus::Inactive;
        user.deactivated_by = Some(DeactivatedBy::DirectoryDisabled);
    });
    let ann = DirectoryUser { display_name: Some("Anna".to_owned()), ..disabled("ann") };
    check("inactive_update", input(world, [ann]));
}

#[test]
fn ignored_directory_users_and_whoever_is_linked_to_them_are_left_alone() {
    // Ann changed, Bob is disabled, Cid is absent, Dan is new, Eve's address is wanted by somebody else.
    let mut world = World::default().linked("ann").linked("bob").linked("cid").linked("eve").linked("fay");
    world.ignored = ["ann", "bob", "cid", "dan", "eve"].map(|name| id(&format!("id-{name}"))).to_vec();
    let users = [
        DirectoryUser { display_name: Some("Ann Changed".to_owned()), ..person("ann") },
        disabled("bob"),
        person("dan"),
        with_mail("eve", "eve.new@example.org"),
        with_mail("fay", "eve@example.org"),
    ];
    check("ignored", input(world, users));
}

#[test]
fn everybody_but_the_ignored_is_everybody() {
    let mut world = World::default().linked("ann").linked("bob").linked("cid");
    world.ignored = vec![id("id-cid")];
    let plan = world.plan(&[], &Policy::default_for(false), ListingEnd::Complete);
    let verdict = check_plan(&plan.summary, Policy::default_for(false).max_deactivations, false);
    assert_eq!(verdict, Verdict::Hold(vec![HoldReason::AllDeactivated { deactivations: 2 }]));
}
