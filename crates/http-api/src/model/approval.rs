//! The body of an approval: which plan, and what of it.

use std::collections::HashSet;

use serde::Deserialize;
use store::Choice;
use utoipa::ToSchema;

use crate::{
    model::{
        FieldError,
        input::{self, Checked, Collect},
    },
    openapi::{PlanDigestText, PositionNumber},
};

const DIGEST_CHARS: usize = 64;
const CHANGES: &str = "/changes";
const EXCEPT: &str = "/except";

/// An approval of a held run, as it was sent. Of `changes` and `except` at most one is given; null is as good as left
/// out. Other members are refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Approval)]
pub struct ApprovalInput {
    /// Required: the digest of the plan that was reviewed.
    #[schema(value_type = PlanDigestText, required)]
    pub plan_digest: Option<String>,
    /// Positions of the changes to apply; the others are rejected.
    #[serde(default, deserialize_with = "input::whole_numbers")]
    #[schema(value_type = Option<Vec<PositionNumber>>, min_items = 1)]
    pub changes: Option<Vec<u64>>,
    /// Positions of the changes to reject; the others are applied.
    #[serde(default, deserialize_with = "input::whole_numbers")]
    #[schema(value_type = Option<Vec<PositionNumber>>)]
    pub except: Option<Vec<u64>>,
}

/// A plan and what of it is approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovedPlan {
    /// The plan's digest.
    pub digest: String,
    /// Positions are in the order in which they were sent, each once.
    pub choice: Choice,
}

impl ApprovalInput {
    /// What this approves, or everything that is wrong with it.
    pub fn into_plan(self) -> Result<ApprovedPlan, Vec<FieldError>> {
        let mut collect = Collect::default();
        let digest = collect.required("/planDigest", self.plan_digest.as_deref(), digest);
        let choice = match (self.changes, self.except) {
            (None, None) => Choice::All,
            (Some(chosen), None) => {
                if chosen.is_empty() {
                    collect.refuse(CHANGES, "must name a change; to apply none, reject the run");
                }
                Choice::Only(positions(CHANGES, chosen, &mut collect))
            }
            (None, Some(left_out)) => Choice::Except(positions(EXCEPT, left_out, &mut collect)),
            (Some(_), Some(_)) => {
                collect.refuse(EXCEPT, "cannot be given together with changes");
                Choice::All
            }
        };
        match digest {
            Some(digest) => collect.finish(ApprovedPlan { digest, choice }),
            None => Err(collect.into_errors()),
        }
    }
}

impl ApprovedPlan {
    /// The complaints about chosen positions at which the plan has nothing to apply.
    pub(crate) fn not_in_plan(&self, missing: &[u32]) -> Vec<FieldError> {
        let (pointer, chosen) = self.chosen();
        let at = chosen.iter().enumerate().filter(|(_, position)| missing.contains(position));
        at.map(|(at, _)| FieldError::new(format!("{pointer}/{at}"), "is no position of a change that can be applied"))
            .collect()
    }

    /// The complaint that nothing is left.
    pub(crate) fn nothing_chosen(&self) -> FieldError {
        FieldError::new(self.chosen().0, "leaves nothing to apply; reject the run instead")
    }

    fn chosen(&self) -> (&'static str, &[u32]) {
        match &self.choice {
            Choice::All => ("", &[]),
            Choice::Only(positions) => (CHANGES, positions),
            Choice::Except(positions) => (EXCEPT, positions),
        }
    }
}

/// In lower case, as digests are stored.
fn digest(text: &str) -> Checked<String> {
    if text.len() == DIGEST_CHARS && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("must be the 64 hexadecimal digits of a run's planDigest".into())
    }
}

/// Complete if nothing was refused.
fn positions(pointer: &str, sent: Vec<u64>, collect: &mut Collect) -> Vec<u32> {
    let mut seen = HashSet::new();
    let sent = sent.into_iter().enumerate();
    sent.filter_map(|(at, number)| {
        collect.optional(format!("{pointer}/{at}"), Some(number), |number| {
            let position = position(number)?;
            if seen.insert(position) { Ok(position) } else { Err("is given more than once".into()) }
        })
    })
    .collect()
}

fn position(number: u64) -> Checked<u32> {
    u32::try_from(number).ok().filter(|position| *position > 0).ok_or_else(|| "must be 1 to 4294967295".into())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const DIGEST: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn plan(body: Value) -> Result<ApprovedPlan, Vec<FieldError>> {
        serde_json::from_value::<ApprovalInput>(body).unwrap().into_plan()
    }

    fn choice(body: Value) -> Choice {
        plan(body).unwrap_or_else(|errors| panic!("{errors:?}")).choice
    }

    fn pointers(errors: Vec<FieldError>) -> Vec<String> {
        errors.into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn the_digest_alone_approves_the_whole_plan() {
        let whole = ApprovedPlan { digest: DIGEST.to_owned(), choice: Choice::All };
        assert_eq!(plan(json!({"planDigest": DIGEST})), Ok(whole.clone()));
        assert_eq!(plan(json!({"planDigest": DIGEST.to_uppercase(), "changes": null, "except": null})), Ok(whole));
    }

    #[test]
    fn changes_are_chosen_or_left_out() {
        let most = u32::MAX;
        assert_eq!(choice(json!({"planDigest": DIGEST, "changes": [3, 1, most]})), Choice::Only(vec![3, 1, most]));
        assert_eq!(choice(json!({"planDigest": DIGEST, "except": [2]})), Choice::Except(vec![2]));
        assert_eq!(choice(json!({"planDigest": DIGEST, "except": []})), Choice::Except(Vec::new()));
    }

    #[test]
    fn each_wrong_part_is_pointed_at() {
        let table = [
            (json!({}), vec!["/planDigest"]),
            (json!({"planDigest": null, "changes": [0]}), vec!["/planDigest", "/changes/0"]),
            (json!({"planDigest": ""}), vec!["/planDigest"]),
            (json!({"planDigest": &DIGEST[1..]}), vec!["/planDigest"]),
            (json!({"planDigest": format!("g{}", &DIGEST[1..])}), vec!["/planDigest"]),
            (json!({"planDigest": "é".repeat(32)}), vec!["/planDigest"]),
            (json!({"planDigest": DIGEST, "changes": []}), vec!["/changes"]),
            (json!({"planDigest": DIGEST, "changes": [1], "except": [2]}), vec!["/except"]),
            (json!({"planDigest": DIGEST, "changes": [1, 0, 4_294_967_296_u64]}), vec!["/changes/1", "/changes/2"]),
            (json!({"planDigest": DIGEST, "except": [7, 8, 7]}), vec!["/except/2"]),
        ];
        for (body, expected) in table {
            let errors = plan(body.clone()).err().unwrap_or_else(|| panic!("accepted: {body}"));
            assert_eq!(pointers(errors), expected, "{body}");
        }
    }

    #[test]
    fn positions_that_the_plan_lacks_are_found_where_they_were_sent() {
        let only = plan(json!({"planDigest": DIGEST, "changes": [9, 1, 4]})).unwrap();
        assert_eq!(pointers(only.not_in_plan(&[4, 9])), ["/changes/0", "/changes/2"]);
        let except = plan(json!({"planDigest": DIGEST, "except": [9, 1]})).unwrap();
        assert_eq!(pointers(except.not_in_plan(&[1])), ["/except/1"]);
        assert_eq!(except.nothing_chosen().pointer, "/except");
        let whole = plan(json!({"planDigest": DIGEST})).unwrap();
        assert_eq!((pointers(whole.not_in_plan(&[1])), whole.nothing_chosen().pointer), (Vec::new(), String::new()));
    }
}
