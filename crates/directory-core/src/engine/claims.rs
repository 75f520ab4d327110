//! Who gets which e-mail address, settled once the listing is known.
//!
//! Each address has at most one holder and at most one winner among its claimants. A winner whose address is held waits
//! for the holder to move away; a holder that stays makes the winner fail, which makes the winner stay too. So failing
//! spreads along chains, and what is left at the end (free targets, chains to them, cycles) succeeds as a whole. The
//! outcome follows from the set of claims alone, whatever the order in which they came.

use crate::{Action, Amendment, ChangeCode};

use super::{
    key::{Key, KeyMap},
    ledger::{Claim, ClaimKind, Ledger},
    roll::{Place, Roll},
};

/// Refuses adoptions of a local user whom several directory users fit: whose account it is, is for a person to say. To be
/// settled before anything else, since neither a refusal of one nor a better rank of the other makes it any clearer.
pub(crate) fn refuse_ambiguous_adoptions(ledger: &mut Ledger) -> Vec<Amendment> {
    let claims = || ledger.entries.iter().filter_map(|(key, entry)| Some((*key, entry.claim?)));
    let mut claimants: KeyMap<Vec<Key>> =
        claims().filter(|(_, claim)| claim.kind == ClaimKind::Adopt).map(|(_, claim)| (claim.to, Vec::new())).collect();
    if claimants.is_empty() {
        return Vec::new();
    }
    for (key, claim) in claims() {
        if let Some(claimants) = claimants.get_mut(&claim.to) {
            claimants.push(key);
        }
    }
    let mut amendments = Vec::new();
    for mut rivals in claimants.into_values().filter(|claimants| claimants.len() > 1) {
        rivals.sort_unstable();
        let first_two = [ledger.entries[&rivals[0]].seq, ledger.entries[&rivals[1]].seq];
        for (place, key) in rivals.into_iter().enumerate() {
            let rival = first_two[usize::from(place == 0)];
            amendments.extend(fail(ledger, key, Failure { code: ChangeCode::AmbiguousMatch, rival: Some(rival) }));
        }
    }
    amendments
}

/// Settles every claim that is left.
pub(crate) fn settle(ledger: &mut Ledger, waits: &KeyMap<Key>, roll: &Roll) -> Vec<Amendment> {
    let (winners, mut failing) = contend(ledger);
    let mut waiters: KeyMap<Key> = KeyMap::default();
    for winner in winners {
        let Some(holder) = waits.get(&winner).copied() else { continue };
        if moves(ledger, holder) {
            waiters.insert(holder, winner);
        } else {
            let same_there = roll.place(holder) == Place::Present && has_its_address_in_the_directory(ledger, holder);
            let code = if same_there { ChangeCode::DuplicateEmail } else { ChangeCode::EmailTaken };
            failing.push((winner, Failure::by_the_holder(code)));
        }
    }
    let mut amendments = Vec::new();
    while let Some((loser, failure)) = failing.pop() {
        if let Some(amendment) = fail(ledger, loser, failure) {
            amendments.push(amendment);
        }
        if let Some(waiter) = waiters.remove(&loser) {
            failing.push((waiter, Failure::by_the_holder(ChangeCode::EmailTaken)));
        }
    }
    let mut entangled: Vec<u32> =
        waiters.iter().flat_map(|(holder, waiter)| [holder, waiter]).map(|key| ledger.entries[key].seq).collect();
    entangled.sort_unstable();
    entangled.dedup();
    amendments.extend(entangled.into_iter().map(|seq| Amendment::Entangle { seq }));
    amendments
}

/// For each address the claimant that may have it, if its holder lets it, and those that may not.
fn contend(ledger: &Ledger) -> (Vec<Key>, Vec<(Key, Failure)>) {
    let mut claims: Vec<(Key, u8, Key)> = ledger
        .entries
        .iter()
        .filter_map(|(key, entry)| entry.claim.map(|claim| (claim.to, rank(claim), *key)))
        .collect();
    claims.sort_unstable();
    let mut winners = Vec::with_capacity(claims.len());
    let mut losers = Vec::new();
    for contenders in claims.chunk_by(|one, other| one.0 == other.0) {
        let winner = contenders[0].2;
        let failure = Failure { code: ChangeCode::DuplicateEmail, rival: Some(ledger.entries[&winner].seq) };
        winners.push(winner);
        losers.extend(contenders[1..].iter().map(|(_, _, key)| (*key, failure)));
    }
    (winners, losers)
}

/// Users that exist come before new ones, enabled accounts before disabled ones; the id breaks the tie.
fn rank(claim: Claim) -> u8 {
    let new = match claim.kind {
        ClaimKind::MoveOnly | ClaimKind::MoveAndMore => 0,
        ClaimKind::Create | ClaimKind::Adopt => 2,
    };
    new + u8::from(!claim.enabled)
}

/// Whether a user of the listing that does not move has the same address there as here: it was either left unchanged, or
/// changed in other values only.
fn has_its_address_in_the_directory(ledger: &Ledger, key: Key) -> bool {
    ledger.entries.get(&key).is_none_or(|entry| entry.action.is_applicable() && !entry.with_conflict)
}

fn moves(ledger: &Ledger, key: Key) -> bool {
    let claim = ledger.entries.get(&key).and_then(|entry| entry.claim);
    claim.is_some_and(|claim| matches!(claim.kind, ClaimKind::MoveOnly | ClaimKind::MoveAndMore))
}

/// Why a claim is not met, and because of whose change.
#[derive(Clone, Copy)]
struct Failure {
    code: ChangeCode,
    rival: Option<u32>,
}

impl Failure {
    /// The one in the way is the address's present holder, whom the change names already.
    fn by_the_holder(code: ChangeCode) -> Self {
        Self { code, rival: None }
    }
}

/// Takes the address out of a change, or the whole change back where nothing else is in it.
fn fail(ledger: &mut Ledger, key: Key, Failure { code, rival }: Failure) -> Option<Amendment> {
    let entry = ledger.entries.get_mut(&key)?;
    let claim = entry.claim.take()?;
    let seq = entry.seq;
    if claim.kind == ClaimKind::MoveAndMore {
        entry.with_conflict = true;
        return Some(Amendment::SplitEmail { seq, conflict_seq: ledger.next_seq(), code, rival });
    }
    entry.refuse(Action::Conflict);
    Some(Amendment::Refuse { seq, action: Action::Conflict, code, rival })
}
