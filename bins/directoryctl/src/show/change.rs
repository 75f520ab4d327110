//! What a run changed, or would change.

use http_api::model::{ChangeView, ConflictsWithView, ListView};

use super::difference;
use crate::table::{Table, or_dash};

pub(crate) fn list(changes: &ListView<ChangeView>) -> Table {
    let mut table = Table::list(["SEQ", "ACTION", "OUTCOME", "E-MAIL", "WHAT"]);
    for change in &changes.items {
        table.row([
            change.seq.to_string(),
            change.action.as_str().to_owned(),
            change.outcome.as_str().to_owned(),
            or_dash(change.email.as_ref()),
            what(change),
        ]);
    }
    table
}

/// Why a change was refused; then old and new values, attribute by attribute. What was and stays empty is left out.
fn what(change: &ChangeView) -> String {
    let values = difference::values(change.before.as_ref(), change.after.as_ref());
    let facts: Vec<String> = change.conflicts_with.as_ref().map(against).into_iter().chain(values).collect();
    match change.message {
        None => facts.join("; "),
        Some(message) if facts.is_empty() => message.to_owned(),
        Some(message) => format!("{}; {}", message.trim_end_matches('.'), facts.join("; ")),
    }
}

/// Who stands in the way of a conflict.
fn against(rival: &ConflictsWithView) -> String {
    let user = rival.user_id.map(|id| format!("user {id}"));
    let directory_user = rival.external_id.as_ref().map(|id| format!("directory user {id}"));
    format!("against {}", user.into_iter().chain(directory_user).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use directory_core::{Action, ChangeCode, ExternalId, Rival, Values};
    use store::{ChangeRecord, Outcome};

    use super::*;

    fn change() -> ChangeRecord {
        ChangeRecord {
            seq: 7,
            action: Action::Update,
            outcome: Outcome::Applied,
            user: None,
            user_version: None,
            external_id: None,
            email: None,
            before: Values::default(),
            after: Values::default(),
            code: None,
            rival: None,
        }
    }

    #[test]
    fn old_and_new_stand_side_by_side() {
        let before = Values { given_name: Some(Some("Ada".to_owned())), ..Values::default() };
        let after = Values {
            display_name: Some("Ada L.".to_owned()),
            given_name: Some(None),
            family_name: Some(None),
            ..Values::default()
        };
        let view = ChangeView::from(ChangeRecord { before, after, ..change() });
        assert_eq!(what(&view), "displayName: Ada L.; givenName: Ada -> (none)");
    }

    #[test]
    fn a_refusal_says_why() {
        let view = ChangeView::from(ChangeRecord {
            action: Action::Conflict,
            outcome: Outcome::Planned,
            code: Some(ChangeCode::NoEmail),
            ..change()
        });
        assert_eq!(what(&view), ChangeCode::NoEmail.message());
    }

    #[test]
    fn a_conflict_names_whom_it_is_with() {
        let (user, external_id) = ("01890a5d-ac96-774b-bcce-b302099a8057", "e1");
        let message = ChangeCode::EmailTaken.message().trim_end_matches('.');
        for (rival, expected) in [
            (Rival { user: user.parse().ok(), external_id: None }, format!("{message}; against user {user}")),
            (
                Rival { user: None, external_id: ExternalId::parse(external_id) },
                format!("{message}; against directory user e1"),
            ),
            (
                Rival { user: user.parse().ok(), external_id: ExternalId::parse(external_id) },
                format!("{message}; against user {user}, directory user e1"),
            ),
        ] {
            let (action, code) = (Action::Conflict, Some(ChangeCode::EmailTaken));
            let view = ChangeView::from(ChangeRecord { action, code, rival: Some(rival), ..change() });
            assert_eq!(what(&view), expected);
        }
    }
}
