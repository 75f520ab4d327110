//! Ids of events, which are the cursors too.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};
use uuid::Uuid;

const PREFIX: &str = "evt_";

/// An event's id, and the place in the feed right after it. It means the same in whatever database the feed is copied to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EventId {
    /// The stored entry.
    pub entry: Uuid,
    /// Of a batch of changes: which of them. `None` is the entry as a whole.
    pub seq: Option<u32>,
}

impl EventId {
    /// Before every event. Good for as long as none was deleted.
    pub const START: Self = Self { entry: Uuid::nil(), seq: None };

    /// A whole entry.
    #[must_use]
    pub fn of(entry: Uuid) -> Self {
        Self { entry, seq: None }
    }

    /// One change of a batch.
    #[must_use]
    pub fn within(entry: Uuid, seq: u32) -> Self {
        Self { entry, seq: Some(seq) }
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.entry.simple())?;
        self.seq.map_or(Ok(()), |seq| write!(f, "_{seq}"))
    }
}

/// The text is no event's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the id of an event")]
pub struct NoEventId;

impl FromStr for EventId {
    type Err = NoEventId;

    /// Reads what [`fmt::Display`] writes, and nothing else: an id has one spelling.
    fn from_str(text: &str) -> Result<Self, NoEventId> {
        let rest = text.strip_prefix(PREFIX).ok_or(NoEventId)?;
        let (entry, seq) = rest.split_once('_').map_or((rest, None), |(entry, seq)| (entry, Some(seq)));
        let entry = Uuid::try_parse(entry).map_err(|_| NoEventId)?;
        let seq = seq.map(|seq| seq.parse().map_err(|_| NoEventId)).transpose()?;
        Some(Self { entry, seq }).filter(|id| id.to_string() == text).ok_or(NoEventId)
    }
}

impl Serialize for EventId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_as_it_is_written() {
        let entry = Uuid::from_u128(0x0189_0a5d_ac96_774b_bcce_b302_099a_8057);
        for (id, text) in [
            (EventId::START, "evt_00000000000000000000000000000000"),
            (EventId::of(entry), "evt_01890a5dac96774bbcceb302099a8057"),
            (EventId::within(entry, 7), "evt_01890a5dac96774bbcceb302099a8057_7"),
            (EventId::within(entry, u32::MAX), "evt_01890a5dac96774bbcceb302099a8057_4294967295"),
        ] {
            assert_eq!(id.to_string(), text);
            assert_eq!(text.parse(), Ok(id));
            assert_eq!(serde_json::to_value(id).unwrap(), text);
        }
    }

    #[test]
    fn another_spelling_is_no_id() {
        for text in [
            "",
            "evt_",
            "01890a5dac96774bbcceb302099a8057",
            "evt_01890a5d-ac96-774b-bcce-b302099a8057",
            "evt_01890A5DAC96774BBCCEB302099A8057",
            "evt_01890a5dac96774bbcceb302099a8057_",
            "evt_01890a5dac96774bbcceb302099a8057_+7",
            "evt_01890a5dac96774bbcceb302099a8057_07",
            "evt_01890a5dac96774bbcceb302099a8057_7_7",
            "evt_01890a5dac96774bbcceb302099a8057_4294967296",
        ] {
            assert_eq!(text.parse::<EventId>(), Err(NoEventId), "{text}");
        }
    }
}
