//! A line of a run's history as it is shown.

use std::fmt;

use directory_core::{Action, ChangeCode, ExternalId, Rival, UserId, Values};
use serde::Serialize;
use store::{ChangeRecord, Outcome};
use utoipa::ToSchema;

use crate::openapi::{ActionWord, ChangeCodeWord, OutcomeWord, ValuesShape};

const STALE: &str = "The user was changed here after the plan was made, or another change that this one needs was not made; so it was not \
     applied. The next run plans it again.";
const REJECTED: &str = "A person turned this change down.";
const FAILED: &str = "The database refused this change. The next run plans it again.";

/// A line of a run's history.
#[derive(Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Change)]
pub struct ChangeView {
    /// Position in the plan; there may be gaps.
    #[schema(value_type = u64, maximum = 4_294_967_295_u64)]
    pub seq: u32,
    /// What it does.
    #[schema(value_type = ActionWord)]
    pub action: Action,
    /// What became of it.
    #[schema(value_type = OutcomeWord)]
    pub outcome: Outcome,
    /// The local user. Null for a refusal that concerns nobody here, and for a creation that is not applied: there
    /// is no such user then.
    #[schema(value_type = Option<Uuid>, required)]
    pub user_id: Option<UserId>,
    /// The directory user; null for a record without an id.
    #[schema(value_type = Option<String>, required)]
    pub external_id: Option<ExternalId>,
    /// The address to recognise the user by.
    #[schema(required)]
    pub email: Option<String>,
    /// The changed attributes' old values; null where there are none, as for a creation.
    #[schema(value_type = Option<ValuesShape>, required)]
    pub before: Option<Values>,
    /// Their new values; null where there are none.
    #[schema(value_type = Option<ValuesShape>, required)]
    pub after: Option<Values>,
    /// Why it was refused.
    #[schema(value_type = Option<ChangeCodeWord>, required)]
    pub code: Option<ChangeCode>,
    /// Of a conflict: who stands in the way.
    #[schema(required)]
    pub conflicts_with: Option<ConflictsWithView>,
    /// Why it was refused or not applied, and the next step.
    #[schema(required)]
    pub message: Option<&'static str>,
}

/// Who stands in the way of a conflict: a local user, a directory user, or one that is both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ConflictsWith)]
pub struct ConflictsWithView {
    /// The local user, where there is one.
    #[schema(value_type = Option<Uuid>, required)]
    pub user_id: Option<UserId>,
    /// Its id in the connection's directory, where it has one.
    #[schema(value_type = Option<String>, required)]
    pub external_id: Option<ExternalId>,
}

impl fmt::Debug for ChangeView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangeView")
            .field("seq", &self.seq)
            .field("action", &self.action)
            .field("outcome", &self.outcome)
            .field("user_id", &self.user_id)
            .field("external_id", &self.external_id)
            .field("code", &self.code)
            .field("conflicts_with", &self.conflicts_with)
            .finish_non_exhaustive()
    }
}

impl From<ChangeRecord> for ChangeView {
    fn from(change: ChangeRecord) -> Self {
        let made = change.action != Action::Create || change.outcome == Outcome::Applied;
        Self {
            seq: change.seq,
            action: change.action,
            outcome: change.outcome,
            user_id: change.user.filter(|_| made),
            external_id: change.external_id,
            email: change.email,
            before: unless_empty(change.before),
            after: unless_empty(change.after),
            code: change.code,
            conflicts_with: change.rival.filter(|_| change.action == Action::Conflict).and_then(ConflictsWithView::of),
            message: message(change.code, change.outcome),
        }
    }
}

impl ConflictsWithView {
    fn of(rival: Rival) -> Option<Self> {
        let known = rival.user.is_some() || rival.external_id.is_some();
        known.then_some(Self { user_id: rival.user, external_id: rival.external_id })
    }
}

fn unless_empty(values: Values) -> Option<Values> {
    (!values.is_empty()).then_some(values)
}

fn message(code: Option<ChangeCode>, outcome: Outcome) -> Option<&'static str> {
    match (code, outcome) {
        (Some(code), _) => Some(code.message()),
        (None, Outcome::Rejected) => Some(REJECTED),
        (None, Outcome::Stale) => Some(STALE),
        (None, Outcome::Failed) => Some(FAILED),
        (None, Outcome::Planned | Outcome::Applied) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    fn creation(outcome: Outcome) -> ChangeRecord {
        ChangeRecord {
            seq: 1,
            action: Action::Create,
            outcome,
            user: Some(ID.parse().unwrap()),
            user_version: None,
            external_id: ExternalId::parse("e1"),
            email: Some("ada@example.org".to_owned()),
            before: Values::default(),
            after: Values { given_name: Some(None), ..Values::default() },
            code: None,
            rival: None,
        }
    }

    fn view(change: ChangeRecord) -> Value {
        serde_json::to_value(ChangeView::from(change)).unwrap()
    }

    #[test]
    fn its_debug_form_shows_nobodys_data() {
        let values = Values { display_name: Some("Ada Byron".to_owned()), ..Values::default() };
        let change = ChangeRecord { before: values.clone(), after: values, ..creation(Outcome::Applied) };
        let shown = format!("{:?}", ChangeView::from(change));
        assert!(shown.contains(ID) && shown.contains("e1"), "{shown}");
        assert!(!shown.to_lowercase().contains("ada") && !shown.contains("Byron"), "{shown}");
    }

    #[test]
    fn an_applied_creation_has_every_member() {
        assert_eq!(
            view(creation(Outcome::Applied)),
            json!({
                "seq": 1, "action": "create", "outcome": "applied", "userId": ID, "externalId": "e1",
                "email": "ada@example.org", "before": null, "after": {"givenName": null}, "code": null,
                "conflictsWith": null, "message": null,
            })
        );
    }

    #[test]
    fn a_creation_names_no_user_before_there_is_one() {
        for outcome in [Outcome::Planned, Outcome::Rejected, Outcome::Stale, Outcome::Failed] {
            assert_eq!(view(creation(outcome))["userId"], Value::Null, "{outcome:?}");
        }
        let update = ChangeRecord { action: Action::Update, ..creation(Outcome::Planned) };
        assert_eq!(view(update)["userId"], ID);
    }

    #[test]
    fn what_was_not_applied_says_why() {
        let refused = ChangeRecord {
            action: Action::Conflict,
            code: Some(ChangeCode::NoEmail),
            after: Values::default(),
            ..creation(Outcome::Planned)
        };
        let refused = view(refused);
        assert_eq!(refused["code"], "no_email");
        assert_eq!(refused["message"], ChangeCode::NoEmail.message());
        assert_eq!(refused["after"], Value::Null);
        assert_eq!(view(creation(Outcome::Stale))["message"], STALE);
        assert_eq!(view(creation(Outcome::Failed))["message"], FAILED);
        assert_eq!(view(creation(Outcome::Rejected))["message"], REJECTED);
        assert_eq!(view(creation(Outcome::Planned))["message"], Value::Null);
    }

    #[test]
    fn only_a_conflict_says_who_stands_in_its_way() {
        let rival = Rival { user: Some(ID.parse().unwrap()), external_id: None };
        let named = ChangeRecord { rival: Some(rival), ..creation(Outcome::Planned) };
        assert_eq!(view(named.clone())["conflictsWith"], Value::Null);
        let refused = ChangeRecord { action: Action::Conflict, code: Some(ChangeCode::EmailTaken), ..named };
        assert_eq!(view(refused.clone())["conflictsWith"], json!({"userId": ID, "externalId": null}));
        let elsewhere = Rival { user: None, external_id: ExternalId::parse("e2") };
        let refused = ChangeRecord { rival: Some(elsewhere), ..refused };
        assert_eq!(view(refused.clone())["conflictsWith"], json!({"userId": null, "externalId": "e2"}));
        for nobody in [None, Some(Rival::default())] {
            assert_eq!(view(ChangeRecord { rival: nobody, ..refused.clone() })["conflictsWith"], Value::Null);
        }
    }
}
