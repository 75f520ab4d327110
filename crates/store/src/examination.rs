//! What a look at a database from outside finds. Looking writes nothing.

use chrono::{DateTime, Utc};

/// A database that answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examination {
    /// Its software and version, `PostgreSQL 15.4` say.
    pub software: String,
    /// What its clock says; `None` where that is this machine's.
    pub now: Option<DateTime<Utc>>,
    /// Its schema.
    pub migrations: Migrations,
}

/// A schema, compared with the one that this program knows; all by version, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Migrations {
    /// Known and applied.
    pub applied: Vec<i64>,
    /// Known and still to be applied.
    pub pending: Vec<i64>,
    /// Applied by a newer program. They only ever add, so that this program still runs beside it.
    pub newer: Vec<i64>,
    /// Applied, and not the one that this program knows by that version; or not to its end.
    pub strange: Vec<i64>,
}

/// A migration as the database remembers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedMigration {
    /// Its version.
    pub version: i64,
    /// Of its text.
    pub checksum: Vec<u8>,
    /// Whether it came to its end.
    pub success: bool,
}

impl Migrations {
    /// Compares what is applied with the versions and checksums that this program knows, both ascending.
    #[must_use]
    pub fn compare<'a>(known: impl IntoIterator<Item = (i64, &'a [u8])>, applied: &[AppliedMigration]) -> Self {
        let mut found = Self::default();
        let mut known_versions = Vec::new();
        for (version, checksum) in known {
            known_versions.push(version);
            match applied.iter().find(|one| one.version == version) {
                None => found.pending.push(version),
                Some(one) if one.success && one.checksum == checksum => found.applied.push(version),
                Some(_) => found.strange.push(version),
            }
        }
        found.newer =
            applied.iter().map(|one| one.version).filter(|version| !known_versions.contains(version)).collect();
        found
    }

    /// What keeps this program from working with the schema, if anything does.
    #[must_use]
    pub fn obstacle(&self) -> Option<String> {
        match (self.strange.first(), self.pending.first()) {
            (Some(version), _) => Some(format!("migration {version} is not the one that this program knows")),
            (None, Some(_)) if self.applied.is_empty() => Some("it has not been migrated yet".to_owned()),
            (None, Some(version)) => Some(format!("migration {version} is pending")),
            (None, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(applied: &[(i64, u8, bool)]) -> Migrations {
        let one = |&(version, checksum, success): &(i64, u8, bool)| AppliedMigration {
            version,
            checksum: vec![checksum],
            success,
        };
        let applied: Vec<_> = applied.iter().map(one).collect();
        Migrations::compare([(1, &[1][..]), (2, &[2][..])], &applied)
    }

    #[test]
    fn each_migration_is_in_its_place() {
        let found = compared(&[(1, 1, true), (7, 7, true)]);
        assert_eq!((found.applied, found.pending, found.newer, found.strange), (vec![1], vec![2], vec![7], vec![]));
        let found = compared(&[(1, 9, true), (2, 2, false)]);
        assert_eq!((found.applied, found.strange), (vec![], vec![1, 2]));
    }

    #[test]
    fn newer_migrations_are_no_obstacle_and_others_are() {
        let obstacle = |applied| compared(applied).obstacle().unwrap_or_default();
        assert_eq!(obstacle(&[(1, 1, true), (2, 2, true), (3, 3, false)]), "");
        assert_eq!(obstacle(&[]), "it has not been migrated yet");
        assert_eq!(obstacle(&[(1, 1, true)]), "migration 2 is pending");
        assert_eq!(obstacle(&[(2, 9, true)]), "migration 2 is not the one that this program knows");
    }
}
