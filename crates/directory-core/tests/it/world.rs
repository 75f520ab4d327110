//! A users table in memory and a runner that plans and applies as the real ones do, checking at every step.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fmt,
};

use directory_core::{
    AccountKind, Action, Amendment, Change, ConnectionId, DeactivatedBy, DirectoryEntry, DirectoryUser, EmailKey,
    ExternalId, Link, LinkedUser, ListingEnd, LocalUser, PlanSummary, Policy, Profile, Reconciler, Rival, Roll,
    TenantFacts, UserId, UserStatus, Values,
};
use uuid::Uuid;

pub(crate) fn here() -> ConnectionId {
    ConnectionId(Uuid::from_u128(1))
}

pub(crate) fn elsewhere() -> ConnectionId {
    ConnectionId(Uuid::from_u128(2))
}

pub(crate) fn id(text: &str) -> ExternalId {
    ExternalId::parse(text).unwrap()
}

/// An enabled member `NAME` with the address `NAME@example.org`, whose id is `id-NAME`.
pub(crate) fn person(name: &str) -> DirectoryUser {
    DirectoryUser {
        external_id: id(&format!("id-{name}")),
        user_principal_name: Some(format!("{name}@example.org")),
        mail: Some(format!("{name}@example.org")),
        display_name: Some(name.to_owned()),
        given_name: None,
        family_name: None,
        enabled: Some(true),
        kind: AccountKind::Member,
    }
}

pub(crate) fn with_mail(name: &str, mail: &str) -> DirectoryUser {
    DirectoryUser { mail: Some(mail.to_owned()), ..person(name) }
}

pub(crate) fn disabled(name: &str) -> DirectoryUser {
    DirectoryUser { enabled: Some(false), ..person(name) }
}

pub(crate) fn page(users: impl IntoIterator<Item = DirectoryUser>) -> Vec<DirectoryEntry> {
    users.into_iter().map(DirectoryEntry::Present).collect()
}

/// The product's users.
#[derive(Clone, Default)]
pub(crate) struct World {
    pub(crate) users: BTreeMap<UserId, LocalUser>,
    /// Directory users that the connection is told to ignore.
    pub(crate) ignored: Vec<ExternalId>,
}

/// Invented people only, so a failing case may show them whole.
impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rows().fmt(f)
    }
}

/// A finished plan.
pub(crate) struct Plan {
    pub(crate) changes: BTreeMap<u32, Change>,
    pub(crate) entangled: BTreeSet<u32>,
    pub(crate) summary: PlanSummary,
}

impl World {
    /// Adds a local user `NAME` as [`person`] would be, and lets the caller adjust it.
    pub(crate) fn with(mut self, name: &str, adjust: impl FnOnce(&mut LocalUser)) -> Self {
        let mut user = LocalUser {
            id: UserId(Uuid::from_u128(100 + self.users.len() as u128)),
            version: 1,
            email: format!("{name}@example.org"),
            display_name: name.to_owned(),
            given_name: None,
            family_name: None,
            role: "member".to_owned(),
            status: UserStatus::Active,
            deactivated_by: None,
            link: None,
        };
        adjust(&mut user);
        self.users.insert(user.id, user);
        self
    }

    /// A user linked to this connection.
    pub(crate) fn linked(self, name: &str) -> Self {
        self.with(name, |user| user.link = Some(Link { connection: here(), external_id: id(&format!("id-{name}")) }))
    }

    pub(crate) fn plan(&self, pages: &[Vec<DirectoryEntry>], policy: &Policy, end: ListingEnd) -> Plan {
        let engine = |roll| Reconciler::new(here(), policy.clone(), "member".to_owned(), roll).ignoring(&self.ignored);
        let plan = self.plan_by(engine(Roll::new(7)), pages, end);
        let knowing = self.plan_by(engine(self.roll()), pages, end);
        assert_eq!(knowing.changes, plan.changes, "whoever knows everybody beforehand plans the same");
        assert_eq!((&knowing.entangled, &knowing.summary), (&plan.entangled, &plan.summary));
        plan
    }

    fn plan_by(&self, mut engine: Reconciler, pages: &[Vec<DirectoryEntry>], end: ListingEnd) -> Plan {
        let mut changes = BTreeMap::new();
        for entries in pages {
            let page = engine.open(entries);
            let ids: HashSet<&str> = page.ids_to_look_up().iter().map(ExternalId::as_str).collect();
            let linked = self.select(|user| {
                user.link
                    .as_ref()
                    .is_some_and(|link| link.connection == here() && ids.contains(link.external_id.as_str()))
            });
            let page = page.beside(&linked);
            let emails: HashSet<EmailKey> = engine.emails_to_look_up(&page).into_iter().collect();
            let holders = self.select(|user| emails.contains(&EmailKey::of(&user.email)));
            let plan = engine.page(&page, &holders);
            for seq in plan.retracted {
                changes.remove(&seq);
            }
            stage(&mut changes, plan.changes);
        }
        let mut sweep = engine.end_of_listing(end);
        if sweep.seeks_absent() {
            for user in self.active_linked() {
                stage(&mut changes, sweep.linked(&[user]));
            }
        }
        let needs_facts = sweep.needs_facts();
        let tail = sweep.finish(&self.facts());
        let counts_users = tail.summary.counts.deactivated > 0 || tail.summary.spared > 0;
        assert!(needs_facts || !counts_users, "who counts users is given their number");
        let mut plan = Plan { changes, entangled: BTreeSet::new(), summary: tail.summary };
        tail.amendments.iter().for_each(|amendment| plan.amend(*amendment));
        plan
    }

    /// Everybody who is linked here.
    pub(crate) fn roll(&self) -> Roll {
        let mut roll = Roll::new(7);
        for user in self.users.values() {
            let Some(link) = user.link.as_ref().filter(|link| link.connection == here()) else { continue };
            roll.add(&Profile {
                external_id: link.external_id.as_str(),
                email: &user.email,
                display_name: &user.display_name,
                given_name: user.given_name.as_deref(),
                family_name: user.family_name.as_deref(),
                status: user.status,
                deactivated_by: user.deactivated_by,
            });
        }
        roll.whole()
    }

    fn select(&self, wanted: impl Fn(&LocalUser) -> bool) -> Vec<LocalUser> {
        self.users.values().filter(|user| wanted(user)).cloned().collect()
    }

    fn active_linked(&self) -> Vec<LinkedUser> {
        let active = self.users.values().filter(|user| user.status == UserStatus::Active);
        active
            .filter_map(|user| {
                let link = user.link.clone().filter(|link| link.connection == here())?;
                let LocalUser { id, version, email, role, .. } = user.clone();
                Some(LinkedUser { id, version, external_id: link.external_id, email, role })
            })
            .collect()
    }

    fn facts(&self) -> TenantFacts {
        let mut active_by_role = BTreeMap::new();
        for user in self.users.values().filter(|user| user.status == UserStatus::Active) {
            *active_by_role.entry(user.role.clone()).or_default() += 1;
        }
        let governed = self.active_linked().into_iter().filter(|user| !self.ignored.contains(&user.external_id));
        TenantFacts { active_linked: governed.count() as u64, active_by_role }
    }

    /// Applies a plan: the entangled changes in one step, every other by itself. After each step every address is
    /// unique. Returns how many users it made inactive.
    pub(crate) fn apply(&mut self, plan: &Plan) -> u64 {
        let active = |world: &Self| -> HashSet<UserId> {
            world.users.values().filter(|user| user.status == UserStatus::Active).map(|user| user.id).collect()
        };
        let before = active(self);
        for seq in &plan.entangled {
            self.write(&plan.changes[seq]);
        }
        self.assert_unique();
        for change in plan.changes.values().filter(|change| !plan.entangled.contains(&change.seq)) {
            if change.action.is_applicable() {
                self.write(change);
                self.assert_unique();
            }
        }
        let after = active(self);
        before.difference(&after).count() as u64
    }

    fn write(&mut self, change: &Change) {
        let Change { target, after, .. } = change;
        let user = if let Some(target) = target {
            let user = self.users.get_mut(&target.user).expect("the target exists");
            assert_eq!(user.version, target.version, "the plan changes a user once");
            user
        } else {
            let id = UserId(Uuid::from_u128(100_000 + self.users.len() as u128));
            self.users.entry(id).or_insert_with(|| LocalUser {
                id,
                version: 0,
                email: String::new(),
                display_name: String::new(),
                given_name: None,
                family_name: None,
                role: String::new(),
                status: UserStatus::Active,
                deactivated_by: None,
                link: None,
            })
        };
        user.version += 1;
        let Values { email, display_name, given_name, family_name, role, status, deactivated_by, external_id } =
            after.clone();
        set(&mut user.email, email);
        set(&mut user.display_name, display_name);
        set(&mut user.given_name, given_name);
        set(&mut user.family_name, family_name);
        set(&mut user.role, role);
        set(&mut user.status, status);
        set(&mut user.deactivated_by, deactivated_by);
        if let Some(Some(text)) = external_id {
            user.link = Some(Link { connection: here(), external_id: id(&text) });
        }
    }

    fn assert_unique(&self) {
        let mut addresses = HashSet::new();
        let mut links = HashSet::new();
        for user in self.users.values() {
            assert!(addresses.insert(EmailKey::of(&user.email)), "two users share {}", user.email);
            if let Some(link) = &user.link {
                assert!(
                    links.insert((link.connection, link.external_id.clone())),
                    "two users share {}",
                    link.external_id
                );
            }
        }
    }

    /// What the table says, without ids and versions, so that worlds can be compared.
    pub(crate) fn rows(&self) -> BTreeSet<String> {
        self.users.values().map(row).collect()
    }
}

pub(crate) fn row(user: &LocalUser) -> String {
    let LocalUser { email, display_name, given_name, family_name, role, status, deactivated_by, link, .. } = user;
    format!("{email} {display_name} {given_name:?} {family_name:?} {role} {status:?} {deactivated_by:?} {link:?}")
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

fn stage(staged: &mut BTreeMap<u32, Change>, changes: Vec<Change>) {
    for change in changes {
        assert!(staged.insert(change.seq, change).is_none(), "positions are unique");
    }
}

pub(crate) fn entry_id(entry: &DirectoryEntry) -> Option<&ExternalId> {
    match entry {
        DirectoryEntry::Present(user) | DirectoryEntry::Changed(user) => Some(&user.external_id),
        DirectoryEntry::Removed(id) => Some(id),
        DirectoryEntry::Unreadable(id) => id.as_ref(),
    }
}

impl Plan {
    fn amend(&mut self, amendment: Amendment) {
        match amendment {
            Amendment::Refuse { seq, action, code, rival } => {
                let rival = rival.map(|seq| self.as_rival(seq));
                let change = self.changes.get_mut(&seq).expect("only staged changes are amended");
                change.action = action;
                change.code = Some(code);
                change.rival = rival.or(change.rival.take());
                change.deactivates = false;
            }
            Amendment::SplitEmail { seq, conflict_seq, code, rival } => {
                let rival = rival.map(|seq| self.as_rival(seq));
                let change = self.changes.get_mut(&seq).expect("only staged changes are amended");
                let conflict = Change {
                    seq: conflict_seq,
                    action: Action::Conflict,
                    before: Values { email: change.before.email.take(), ..Values::default() },
                    after: Values { email: change.after.email.take(), ..Values::default() },
                    code: Some(code),
                    rival: rival.or(change.rival.take()),
                    deactivates: false,
                    ..change.clone()
                };
                change.email.clone_from(&conflict.before.email);
                assert!(!change.after.is_empty(), "something is left to change");
                assert!(self.changes.insert(conflict_seq, conflict).is_none(), "positions are unique");
            }
            Amendment::Entangle { seq } => {
                assert!(self.entangled.insert(seq) && self.changes[&seq].action.is_applicable());
            }
        }
    }

    /// The user of a staged change, as a store notes it on the refused one; a user that is not made yet is none.
    fn as_rival(&self, seq: u32) -> Rival {
        let change = &self.changes[&seq];
        Rival { user: change.target.map(|target| target.user), external_id: change.external_id.clone() }
    }

    pub(crate) fn applicable(&self) -> usize {
        self.changes.values().filter(|change| change.action.is_applicable()).count()
    }

    /// The plan as text, in the order of the users' ids, for golden tests and for comparing plans.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.changes.values().map(|change| self.line(change)).collect();
        lines.sort();
        lines
    }

    /// Local users are numbered from 0 in the order in which they were added.
    fn named(rival: &Rival) -> String {
        let user = rival.user.map(|user| format!("user {}", user.0.as_u128() - 100));
        let id = rival.external_id.as_ref().map(ToString::to_string);
        user.into_iter().chain(id).collect::<Vec<_>>().join(" ")
    }

    fn line(&self, change: &Change) -> String {
        let text = |values: &Values| serde_json::to_string(values).unwrap();
        let because = change.code.map_or(String::new(), |code| {
            let rival = change.rival.as_ref().map_or(String::new(), |rival| format!(" against {}", Self::named(rival)));
            format!(" because {}{rival}", code.as_str())
        });
        let entangled = if self.entangled.contains(&change.seq) { " (entangled)" } else { "" };
        format!(
            "{} {} {}: {} -> {}{because}{entangled}",
            change.external_id.as_ref().map_or("(no id)", ExternalId::as_str),
            change.action.as_str(),
            change.email.as_deref().unwrap_or("(no address)"),
            text(&change.before),
            text(&change.after),
        )
    }
}

/// What a plan's lines add up to; must equal the engine's own summary.
pub(crate) fn tally(plan: &Plan) -> HashMap<&'static str, u64> {
    let mut tally = HashMap::new();
    for change in plan.changes.values() {
        *tally.entry(change.action.as_str()).or_default() += 1;
        *tally.entry("deactivates").or_default() += u64::from(change.deactivates);
    }
    tally
}

pub(crate) fn suspended(by: Option<DeactivatedBy>) -> impl FnOnce(&mut LocalUser) {
    move |user| {
        user.status = UserStatus::Inactive;
        user.deactivated_by = by;
    }
}
