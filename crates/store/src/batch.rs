//! A batch of staged changes, and which of them can still be made: a pure function of the batch and of how its users
//! stand. Every store reads the same facts and asks here, so that all of them agree.

use std::collections::{HashMap, HashSet};

use directory_core::{Action, Counts, EmailKey, UserId};

/// A staged change, as far as applying it needs to know. Its values stay in the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Position in the plan.
    pub seq: u32,
    /// What it does; never a refusal.
    pub action: Action,
    /// The user that is changed or, of a creation, made.
    pub user: UserId,
    /// The version that the plan saw; `None` of a creation.
    pub version: Option<i64>,
    /// The address that the user is to have; `None` when it is not part of the change.
    pub email: Option<EmailKey>,
    /// The external id that the user is to be linked by.
    pub link: Option<String>,
    /// Whether an active user becomes inactive.
    pub deactivates: bool,
}

/// A member's user, locked against other writers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locked {
    /// The row's version now.
    pub version: i64,
    /// The address that it has now.
    pub email: EmailKey,
    /// Whether it is linked to any connection.
    pub linked: bool,
    /// The role that it has now.
    pub role: String,
}

/// How things stand in the users table, for a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The members' users, as far as they exist.
    pub users: HashMap<UserId, Locked>,
    /// Who holds the addresses that the members want.
    pub holders: HashMap<EmailKey, UserId>,
    /// Which of the external ids that the members want are linked already, by this connection.
    pub linked: HashSet<String>,
    /// The active users, locked too, of each protected role of which the batch deactivates somebody.
    pub protected: HashMap<String, HashSet<UserId>>,
}

impl Standing {
    /// The roles of which the batch deactivates somebody: for those of them that are protected, [`Self::protected`] has to
    /// be filled in.
    #[must_use]
    pub fn roles_that_lose(&self, members: &[Member]) -> HashSet<String> {
        let leaving = members.iter().filter(|member| member.deactivates);
        leaving.filter_map(|member| self.users.get(&member.user)).map(|user| user.role.clone()).collect()
    }
}

/// What is to be done before the batch is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Positions of the changes that are not applied, ascending.
    pub stale: Vec<u32>,
    /// Users whose address another member takes over: they have to let go of it first.
    pub parked: Vec<UserId>,
}

/// What the members that are not stale do, to be added to the run's counts.
#[must_use]
pub fn tally(members: &[Member], stale: &[u32]) -> Counts {
    let mut counts = Counts::default();
    for member in members.iter().filter(|member| stale.binary_search(&member.seq).is_err()) {
        match member.action {
            Action::Create => counts.created += 1,
            Action::Link => counts.linked += 1,
            Action::Update => counts.updated += 1,
            Action::Reactivate => counts.reactivated += 1,
            Action::Deactivate | Action::Conflict | Action::Protected => {}
        }
        // By effect: linking can deactivate too.
        counts.deactivated += u64::from(member.deactivates);
    }
    counts
}

/// Judges a batch whose members are in order of position.
#[must_use]
pub fn judge(members: &[Member], standing: &Standing) -> Verdict {
    let mut judgement = Judgement::new(members, standing);
    judgement.judge_each_alone();
    judgement.spread();
    // Sparing one can make others stale, among them one whose return would have let another role's last user go.
    while judgement.spare_the_last_of_a_role() {
        judgement.spread();
    }
    judgement.verdict()
}

struct Judgement<'a> {
    members: &'a [Member],
    standing: &'a Standing,
    stale: Vec<bool>,
    /// By user: the member that wants the address which that user holds.
    successor: HashMap<UserId, usize>,
    /// Stale members whose effect on others is not looked at yet.
    unspread: Vec<usize>,
}

impl<'a> Judgement<'a> {
    fn new(members: &'a [Member], standing: &'a Standing) -> Self {
        let stale = vec![false; members.len()];
        Self { members, standing, stale, successor: HashMap::new(), unspread: Vec::new() }
    }

    /// The address that a member wants and its user does not hold already.
    fn wanted(&self, member: &'a Member) -> Option<&'a EmailKey> {
        let own = self.standing.users.get(&member.user).map(|user| &user.email);
        member.email.as_ref().filter(|email| own != Some(*email))
    }

    fn still_as_planned(&self, member: &Member) -> bool {
        let free = member.link.as_ref().is_none_or(|link| !self.standing.linked.contains(link));
        match (member.action, self.standing.users.get(&member.user)) {
            (Action::Create, user) => user.is_none() && free,
            (_, None) => false,
            (_, Some(user)) => {
                Some(user.version) == member.version && (member.link.is_none() || (!user.linked && free))
            }
        }
    }

    /// Who has moved on, or wants what somebody outside the batch holds. Where two members want the same thing the
    /// first one gets it: a plan has no such pair, but a defect must end as one stale change and not as a failed run.
    fn judge_each_alone(&mut self) {
        let (mut users, mut links, mut emails) = (HashSet::new(), HashSet::new(), HashSet::new());
        let leaving: HashSet<UserId> =
            self.members.iter().filter(|member| self.wanted(member).is_some()).map(|member| member.user).collect();
        for (index, member) in self.members.iter().enumerate() {
            let wanted = self.wanted(member);
            let holder = wanted.and_then(|email| self.standing.holders.get(email)).copied();
            let fits = self.still_as_planned(member)
                && holder.is_none_or(|holder| leaving.contains(&holder))
                && users.insert(member.user)
                && member.link.as_deref().is_none_or(|link| links.insert(link))
                && wanted.is_none_or(|email| emails.insert(email));
            if !fits {
                self.condemn(index);
            } else if let Some(holder) = holder {
                self.successor.insert(holder, index);
            }
        }
    }

    /// A stale member keeps its address, so whoever was to have it is stale too, and so on.
    fn spread(&mut self) {
        while let Some(index) = self.unspread.pop() {
            if let Some(&successor) = self.successor.get(&self.members[index].user)
                && !self.stale[successor]
            {
                self.condemn(successor);
            }
        }
    }

    /// The plan saw to it that each protected role keeps an active user; but others may have written since, another
    /// connection's run among them. Then the last deactivation of the role goes stale. `false` when no role needs it.
    fn spare_the_last_of_a_role(&mut self) -> bool {
        for (role, active) in &self.standing.protected {
            let of_role =
                |member: &Member| self.standing.users.get(&member.user).is_some_and(|user| user.role == *role);
            let fresh =
                || self.members.iter().enumerate().filter(|(index, member)| !self.stale[*index] && of_role(member));
            let leaving: HashSet<UserId> =
                fresh().filter(|(_, member)| member.deactivates).map(|(_, m)| m.user).collect();
            let returns = fresh().any(|(_, member)| member.action == Action::Reactivate);
            if returns || active.iter().any(|user| !leaving.contains(user)) {
                continue;
            }
            if let Some((last, _)) = fresh().rfind(|(_, member)| member.deactivates) {
                self.condemn(last);
                return true;
            }
        }
        false
    }

    fn condemn(&mut self, index: usize) {
        self.stale[index] = true;
        self.unspread.push(index);
    }

    fn verdict(self) -> Verdict {
        let stale = self.members.iter().zip(&self.stale).filter(|(_, stale)| **stale).map(|(member, _)| member.seq);
        let mut parked: Vec<UserId> =
            self.successor.iter().filter(|(_, successor)| !self.stale[**successor]).map(|(user, _)| *user).collect();
        parked.sort_unstable();
        Verdict { stale: stale.collect(), parked }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn id(n: u128) -> UserId {
        UserId(Uuid::from_u128(n))
    }

    fn address(n: u128) -> EmailKey {
        EmailKey::of(&format!("{n}@x"))
    }

    /// Users are numbers; user n holds the address `n@x` and is at version 1.
    struct Table(Standing);

    impl Table {
        fn of(users: &[u128]) -> Self {
            let mut standing = Standing::default();
            for &user in users {
                let email = address(user);
                standing.holders.insert(email.clone(), id(user));
                standing.users.insert(id(user), Locked { version: 1, email, linked: false, role: "admin".to_owned() });
            }
            Self(standing)
        }

        /// Users outside of the batch hold addresses, but are not locked.
        fn and_outside(mut self, users: &[u128]) -> Self {
            for &user in users {
                self.0.holders.insert(address(user), id(user));
            }
            self
        }

        fn check(&self, members: &[Member], stale: &[u32], parked: &[u128]) {
            let parked = parked.iter().copied().map(id).collect();
            assert_eq!(judge(members, &self.0), Verdict { stale: stale.to_vec(), parked });
        }
    }

    /// User `user` gets the address of `email`.
    fn moves(seq: u32, user: u128, email: u128) -> Member {
        Member {
            seq,
            action: Action::Update,
            user: id(user),
            version: Some(1),
            email: Some(address(email)),
            link: None,
            deactivates: false,
        }
    }

    fn old(member: Member) -> Member {
        Member { version: Some(0), ..member }
    }

    fn creates(seq: u32, user: u128, email: u128) -> Member {
        let link = Some(format!("external {user}"));
        Member { action: Action::Create, version: None, link, ..moves(seq, user, email) }
    }

    fn links(seq: u32, user: u128) -> Member {
        let link = Some(format!("external {user}"));
        Member { action: Action::Link, email: None, link, ..moves(seq, user, user) }
    }

    #[test]
    fn a_user_who_moved_on_or_is_gone_is_stale() {
        Table::of(&[1, 2]).check(&[old(moves(1, 1, 1)), moves(2, 2, 2), moves(3, 3, 9)], &[1, 3], &[]);
    }

    #[test]
    fn an_address_held_outside_of_the_batch_is_not_to_be_had() {
        Table::of(&[1]).and_outside(&[8]).check(&[moves(1, 1, 8), creates(2, 5, 8), creates(3, 6, 9)], &[1, 2], &[]);
    }

    #[test]
    fn a_member_who_stays_keeps_the_address() {
        Table::of(&[1, 2]).check(&[moves(1, 1, 2), moves(2, 2, 2)], &[1], &[]);
    }

    #[test]
    fn swaps_cycles_and_successions_are_parked() {
        Table::of(&[1, 2]).check(&[moves(1, 1, 2), moves(2, 2, 1)], &[], &[1, 2]);
        Table::of(&[1, 2, 3]).check(&[moves(1, 1, 2), moves(2, 2, 3), moves(3, 3, 1)], &[], &[1, 2, 3]);
        Table::of(&[1]).check(&[creates(1, 5, 1), moves(2, 1, 9)], &[], &[1]);
    }

    #[test]
    fn staleness_spreads_against_the_order_of_positions_too() {
        // 4 stays, so 3 cannot move to it, so 2 cannot move to 3's, so 1 cannot move to 2's.
        let chain = [moves(1, 1, 2), moves(2, 2, 3), moves(3, 3, 4), moves(4, 4, 4)];
        Table::of(&[1, 2, 3, 4]).check(&chain, &[1, 2, 3], &[]);
        let broken = [moves(1, 1, 2), moves(2, 2, 3), old(moves(3, 3, 1))];
        Table::of(&[1, 2, 3]).check(&broken, &[1, 2, 3], &[]);
        // Nobody waits for what 1 frees, so only the broken half is stale.
        let half = [moves(1, 1, 9), creates(2, 5, 1), old(moves(3, 2, 8)), creates(4, 6, 2)];
        Table::of(&[1, 2]).check(&half, &[3, 4], &[1]);
    }

    #[test]
    fn another_spelling_of_the_own_address_is_no_move() {
        Table::of(&[1]).check(&[moves(1, 1, 1)], &[], &[]);
    }

    #[test]
    fn links_need_a_free_user_and_a_free_external_id() {
        let mut table = Table::of(&[1, 2, 3]);
        table.0.linked.insert("external 2".to_owned());
        if let Some(user) = table.0.users.get_mut(&id(3)) {
            user.linked = true;
        }
        table.check(&[links(1, 1), links(2, 2), links(3, 3)], &[2, 3], &[]);
    }

    #[test]
    fn a_creation_that_exists_already_is_stale() {
        let mut table = Table::of(&[1]);
        table.0.linked.insert("external 7".to_owned());
        table.check(&[creates(1, 1, 9), creates(2, 7, 10), creates(3, 8, 11)], &[1, 2], &[]);
    }

    #[test]
    fn of_two_members_that_want_the_same_the_first_gets_it() {
        let twice = [creates(1, 5, 9), creates(2, 6, 9), moves(3, 1, 8), moves(4, 1, 7)];
        Table::of(&[1]).check(&twice, &[2, 4], &[]);
    }

    #[test]
    fn a_protected_role_keeps_its_last_user() {
        let leaves =
            |seq, user| Member { action: Action::Deactivate, deactivates: true, email: None, ..moves(seq, user, 0) };
        let protected = |active: &[u128]| {
            let mut table = Table::of(&[1, 2, 3]);
            table.0.protected.insert("admin".to_owned(), active.iter().copied().map(id).collect());
            table
        };
        assert_eq!(protected(&[]).0.roles_that_lose(&[leaves(1, 1)]), HashSet::from(["admin".to_owned()]));
        protected(&[1, 2, 3]).check(&[leaves(1, 1), leaves(2, 2)], &[], &[]);
        protected(&[1, 2]).check(&[leaves(1, 1), leaves(2, 2)], &[2], &[]);
        // Who is stale anyway stays, and so does somebody.
        protected(&[1, 2]).check(&[leaves(1, 1), old(leaves(2, 2))], &[2], &[]);
        let returns = Member { action: Action::Reactivate, email: None, ..moves(2, 3, 0) };
        protected(&[1]).check(&[leaves(1, 1), returns.clone()], &[], &[]);
        protected(&[1]).check(&[leaves(1, 1), old(returns)], &[1, 2], &[]);
        // Without anything known of the role there is nothing to protect.
        Table::of(&[1]).check(&[leaves(1, 1)], &[], &[]);
    }

    #[test]
    fn whom_sparing_one_role_keeps_from_returning_counts_for_no_other() {
        // 1 is the last owner and is spared, so that 2, an administrator who was to come back with 1's address, stays
        // away; then 3 is the last administrator.
        let mut table = Table::of(&[1, 2, 3]);
        if let Some(owner) = table.0.users.get_mut(&id(1)) {
            owner.role = "owner".to_owned();
        }
        table.0.protected.insert("owner".to_owned(), HashSet::from([id(1)]));
        table.0.protected.insert("admin".to_owned(), HashSet::from([id(3)]));
        let leaves = Member { action: Action::Deactivate, deactivates: true, ..moves(1, 1, 9) };
        let returns = Member { action: Action::Reactivate, ..moves(2, 2, 1) };
        let last = Member { action: Action::Deactivate, deactivates: true, email: None, ..moves(3, 3, 0) };
        table.check(&[leaves, returns, last], &[1, 2, 3], &[]);
    }

    #[test]
    fn the_tally_leaves_stale_members_out_and_counts_deactivations_by_effect() {
        let members = [
            creates(1, 1, 1),
            Member { deactivates: true, ..links(2, 2) },
            Member { action: Action::Deactivate, deactivates: true, ..moves(3, 3, 3) },
            moves(4, 4, 4),
            Member { action: Action::Reactivate, ..moves(5, 5, 5) },
        ];
        let expected =
            Counts { created: 1, linked: 1, deactivated: 1, reactivated: 1, updated: 1, ..Counts::default() };
        assert_eq!(tally(&members, &[3]), expected);
    }
}
