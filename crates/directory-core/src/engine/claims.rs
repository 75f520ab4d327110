//! Who gets which e-mail address, settled once the listing is known.
//!
//! Each address has at most one holder and at most one winner among its claimants. A winner whose address is held waits
//! for the holder to move away; a holder that stays makes the winner fail, which makes the winner stay too. So failing
//! spreads along chains, and what is left at the end (free targets, chains to them, cycles) succeeds as a whole. The
//! outcome follows from the set of claims alone, whatever the order in which they came.

use crate::{Action, Amendment, ChangeCode};

use super::{
    key::{Key, KeyMap, KeySet},
    ledger::{Claim, ClaimKind, Ledger},
};

/// Settles every claim.
pub(crate) fn settle(ledger: &mut Ledger, waits: &KeyMap<Key>, present: &KeySet) -> Vec<Amendment> {
    let (winners, mut failing) = contend(ledger);
    let mut waiters: KeyMap<Key> = KeyMap::default();
    for winner in winners {
        let Some(holder) = waits.get(&winner).copied() else { continue };
        if moves(ledger, holder) {
            waiters.insert(holder, winner);
        } else {
            // A holder in the listing has this address there too, and keeps it.
            let code = if present.contains(&holder) { ChangeCode::DuplicateEmail } else { ChangeCode::EmailTaken };
            failing.push((winner, code));
        }
    }
    let mut amendments = Vec::new();
    while let Some((loser, code)) = failing.pop() {
        if let Some(amendment) = fail(ledger, loser, code) {
            amendments.push(amendment);
        }
        if let Some(waiter) = waiters.remove(&loser) {
            failing.push((waiter, ChangeCode::EmailTaken));
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
fn contend(ledger: &Ledger) -> (Vec<Key>, Vec<(Key, ChangeCode)>) {
    let mut claims: Vec<(Key, u8, Key)> = ledger
        .entries
        .iter()
        .filter_map(|(key, entry)| entry.claim.map(|claim| (claim.to, rank(claim), *key)))
        .collect();
    claims.sort_unstable();
    let mut winners = Vec::with_capacity(claims.len());
    let mut losers = Vec::new();
    for contenders in claims.chunk_by(|one, other| one.0 == other.0) {
        let adopting = |(_, _, key): &(Key, u8, Key)| {
            ledger.entries[key].claim.is_some_and(|claim| claim.kind == ClaimKind::Adopt)
        };
        if contenders.len() > 1 && contenders.iter().any(adopting) {
            // Whose account it is, is for a person to say.
            losers.extend(contenders.iter().map(|(_, _, key)| (*key, ChangeCode::AmbiguousMatch)));
            continue;
        }
        winners.push(contenders[0].2);
        losers.extend(contenders[1..].iter().map(|(_, _, key)| (*key, ChangeCode::DuplicateEmail)));
    }
    (winners, losers)
}

/// Users that exist come before new ones, enabled accounts before disabled ones; the id breaks the tie.
fn rank(claim: Claim) -> u8 {
    match claim.kind {
        ClaimKind::MoveOnly | ClaimKind::MoveAndMore => 0,
        ClaimKind::Create | ClaimKind::Adopt if claim.enabled => 1,
        ClaimKind::Create | ClaimKind::Adopt => 2,
    }
}

fn moves(ledger: &Ledger, key: Key) -> bool {
    let claim = ledger.entries.get(&key).and_then(|entry| entry.claim);
    claim.is_some_and(|claim| matches!(claim.kind, ClaimKind::MoveOnly | ClaimKind::MoveAndMore))
}

/// Takes the address out of a change, or the whole change back where nothing else is in it.
fn fail(ledger: &mut Ledger, key: Key, code: ChangeCode) -> Option<Amendment> {
    let entry = ledger.entries.get_mut(&key)?;
    let claim = entry.claim.take()?;
    let seq = entry.seq;
    if claim.kind == ClaimKind::MoveAndMore {
        entry.with_conflict = true;
        return Some(Amendment::SplitEmail { seq, conflict_seq: ledger.next_seq(), code });
    }
    entry.refuse(Action::Conflict);
    Some(Amendment::Refuse { seq, action: Action::Conflict, code })
}
