//! Where a page of a list ended, as text that only this API reads.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use crypto::Digest;
use directory_core::ExternalId;
use uuid::Uuid;

const VERSION: u8 = 1;
const CHECK_CHARS: usize = 8;

/// The list that a cursor belongs to. One of another list is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum List {
    /// The tenant's connections.
    Connections,
    /// This connection's runs.
    Runs(Uuid),
    /// This run's changes.
    Changes(Uuid),
    /// The tenant's users.
    Users,
    /// Whom this connection ignores.
    Ignored(Uuid),
    /// The tenant's audit log.
    Audit,
    /// The tenant's webhooks.
    Webhooks,
    /// The messages to this webhook that did not arrive.
    Deliveries(Uuid),
}

impl List {
    fn tag(self) -> (u8, Uuid) {
        match self {
            Self::Connections => (1, Uuid::nil()),
            Self::Runs(connection) => (2, connection),
            Self::Changes(run) => (3, run),
            Self::Users => (4, Uuid::nil()),
            Self::Ignored(connection) => (5, connection),
            Self::Audit => (6, Uuid::nil()),
            Self::Webhooks => (20, Uuid::nil()),
            Self::Deliveries(webhook) => (21, webhook),
        }
    }

    /// Detects mistakes, not attacks: a forged cursor reaches nothing that the token does not.
    fn check(self, position: &[u8]) -> String {
        let (kind, parent) = self.tag();
        let mut digest = Digest::new();
        digest.update(&[VERSION, kind]);
        digest.update(parent.as_bytes());
        digest.update(position);
        let mut hex = digest.finish_hex();
        hex.truncate(CHECK_CHARS);
        hex
    }

    /// A cursor after this position: version, check, position.
    pub(crate) fn cursor(self, position: &impl Position) -> String {
        let position = position.to_bytes();
        let bytes = [&[VERSION], self.check(&position).as_bytes(), &position].concat();
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The position of one of this list's cursors.
    pub(crate) fn position<P: Position>(self, cursor: &str) -> Option<P> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (check, position) = bytes.strip_prefix(&[VERSION])?.split_at_checked(CHECK_CHARS)?;
        if check != self.check(position).as_bytes() {
            return None;
        }
        P::from_bytes(position)
    }
}

/// What a list is ordered by.
pub(crate) trait Position: Sized {
    fn to_bytes(&self) -> Vec<u8>;
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

impl Position for Uuid {
    fn to_bytes(&self) -> Vec<u8> {
        self.as_bytes().to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::from_slice(bytes).ok()
    }
}

impl Position for u32 {
    fn to_bytes(&self) -> Vec<u8> {
        self.to_be_bytes().to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::from_be_bytes)
    }
}

impl Position for ExternalId {
    fn to_bytes(&self) -> Vec<u8> {
        self.as_str().as_bytes().to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let text = str::from_utf8(bytes).ok()?;
        // `parse` trims; a position is written as it is, so that each has one cursor.
        Self::parse(text).filter(|id| id.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Uuid = Uuid::from_u128(0x0189_0a5d_ac96_774b_bcce_b302_099a_8057);
    const OTHER: Uuid = Uuid::from_u128(0x0189_0a5d_ac96_774b_bcce_b302_099a_8058);

    #[test]
    fn a_cursor_leads_back_to_its_position() {
        for list in [List::Connections, List::Runs(ID), List::Users, List::Audit] {
            assert_eq!(list.position(&list.cursor(&OTHER)), Some(OTHER));
        }
        let changes = List::Changes(ID);
        assert_eq!(changes.position(&changes.cursor(&70_000_u32)), Some(70_000_u32));
        let ignored = List::Ignored(ID);
        for id in ["e1", "Zoë / %2F", &"x".repeat(ExternalId::MAX_BYTES)] {
            let id = ExternalId::parse(id);
            assert_eq!(ignored.position(&ignored.cursor(id.as_ref().unwrap())), id);
        }
    }

    #[test]
    fn a_cursor_of_another_list_is_refused() {
        let cursor = List::Runs(ID).cursor(&OTHER);
        for list in
            [List::Connections, List::Runs(OTHER), List::Users, List::Changes(ID), List::Ignored(ID), List::Audit]
        {
            assert_eq!(list.position::<Uuid>(&cursor), None, "{list:?}");
        }
        assert_eq!(List::Runs(ID).position::<u32>(&cursor), None);
    }

    #[test]
    fn an_altered_cursor_is_refused() {
        let cursor = List::Users.cursor(&ID);
        for at in 0..cursor.len() {
            let mut altered = cursor.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            assert_eq!(List::Users.position::<Uuid>(&altered), None, "{at}");
        }
    }

    #[test]
    fn a_position_has_one_cursor() {
        for text in [" e1", "e1 ", "", "a\nb"] {
            assert_eq!(ExternalId::from_bytes(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(ExternalId::from_bytes(b"e1"), ExternalId::parse("e1"));
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        let cursor = List::Users.cursor(&ID);
        for text in ["", "AQ", "!", "é", &cursor[1..], &cursor[..cursor.len() - 1], &format!("{cursor}=")] {
            assert_eq!(List::Users.position::<Uuid>(text), None, "{text}");
        }
    }
}
