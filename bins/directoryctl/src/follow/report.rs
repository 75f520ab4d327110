//! What came of a run: the data, and what a person should know or do next.

use http_api::model::RunView;
use store::{Run, RunStatus};

use crate::{
    output::{Format, note},
    show::run::one,
};

/// Shows the run, and says beside it what it comes down to.
pub(crate) fn show(format: Format, run: Run) -> anyhow::Result<()> {
    let advice = advice(&run);
    format.show(&RunView::from(run), one)?;
    for line in advice {
        note(&line);
    }
    Ok(())
}

/// Lines for a person, most important first.
fn advice(run: &Run) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(error) = &run.error {
        lines.push(format!("error: {}", error.message));
        lines.push(error.hint.clone());
    }
    lines.extend(reasons(run));
    lines.extend(next_steps(run));
    if run.exceptions > 0 {
        lines.push(format!(
            "changes that were not applied, and that the next run plans again: {} (`directoryctl run changes {} \
             --outcome stale`)",
            run.exceptions, run.id
        ));
    }
    lines
}

/// Why the plan is held, or would be. Once it is decided about, its reasons are history.
fn reasons(run: &Run) -> Vec<String> {
    let word = match run.status {
        RunStatus::Held => "held",
        RunStatus::Planned => "would be held",
        _ => return Vec::new(),
    };
    run.hold.iter().map(|reason| format!("{word}: {}", reason.message())).collect()
}

/// What the run's status leaves to do or to know.
fn next_steps(run: &Run) -> Vec<String> {
    let id = run.id;
    let line = match run.status {
        RunStatus::Held => return review(run),
        RunStatus::Planned if run.draft.is_some() => {
            format!("nothing was applied and nothing saved: `directoryctl run changes {id}` shows the plan")
        }
        RunStatus::Planned => format!("nothing was applied: `directoryctl run changes {id}` shows the plan"),
        RunStatus::Queued => format!(
            "the run was given back: a server carries it out, or `directoryctl sync {} --resume`",
            run.connection
        ),
        RunStatus::Running => {
            format!("the run goes on elsewhere: `directoryctl run show {id}` shows where it stands")
        }
        RunStatus::CompletedWithErrors if run.counts.conflicts > 0 => format!(
            "users that need a decision: {} (`directoryctl run changes {id} --action conflict`)",
            run.counts.conflicts
        ),
        RunStatus::Cancelled => cancelled(run),
        RunStatus::Superseded => "a newer run took this one's place".to_owned(),
        RunStatus::Rejected => "the plan was rejected: nothing was applied".to_owned(),
        RunStatus::CompletedWithErrors | RunStatus::Succeeded | RunStatus::Failed => return Vec::new(),
    };
    vec![line]
}

/// How to go on with a held plan.
fn review(run: &Run) -> Vec<String> {
    let id = run.id;
    let digest = run.plan_digest.as_deref().unwrap_or("DIGEST");
    vec![
        format!("nothing was applied; to see the plan: `directoryctl run changes {id}`"),
        format!("to apply it: `directoryctl run approve {id} --digest {digest}`, in part with `--changes LIST`"),
        format!("to turn it down: `directoryctl run reject {id}`"),
    ]
}

fn cancelled(run: &Run) -> String {
    match run.planned_changes {
        None => "the run was cancelled before its plan was complete: nothing was applied".to_owned(),
        Some(planned) if run.applied_changes + run.exceptions >= planned => {
            format!("the run was cancelled when {} of its {planned} changes were applied", run.applied_changes)
        }
        Some(planned) => format!(
            "the run was cancelled: {} of its {planned} changes were applied, and the rest was not (`directoryctl run \
             changes {} --outcome planned`)",
            run.applied_changes, run.id
        ),
    }
}

#[cfg(test)]
mod tests {
    use directory_core::{Counts, HoldReason, Policy, RunErrorCode};
    use store::{Draft, RunError, RunMode, Trigger};

    use super::*;

    fn run(status: RunStatus) -> Run {
        Run {
            id: "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap(),
            tenant: "01890a5d-ac96-774b-bcce-b302099a8058".parse().unwrap(),
            connection: "01890a5d-ac96-774b-bcce-b302099a8059".parse().unwrap(),
            status,
            phase: None,
            mode: RunMode::Auto,
            mode_reason: None,
            trigger: Trigger::Manual,
            dry_run: false,
            draft: None,
            counts: Counts::default(),
            planned_changes: None,
            applied_changes: 0,
            exceptions: 0,
            plan_digest: None,
            hold: Vec::new(),
            error: None,
            not_before: None,
            created_at: "2026-01-02T03:04:05Z".parse().unwrap(),
            started_at: None,
            finished_at: None,
            changes_deleted_at: None,
        }
    }

    #[test]
    fn success_needs_no_words() {
        assert!(advice(&run(RunStatus::Succeeded)).is_empty());
    }

    #[test]
    fn a_failure_says_what_and_what_next() {
        let error = RunError {
            code: RunErrorCode::CredentialExpired,
            message: "The secret has expired.".to_owned(),
            hint: "Make a new one.".to_owned(),
            request_id: None,
        };
        let lines = advice(&Run { error: Some(error), ..run(RunStatus::Failed) });
        assert_eq!(lines, ["error: The secret has expired.", "Make a new one."]);
    }

    #[test]
    fn a_held_run_gives_its_reasons_and_the_commands_to_go_on_with() {
        let reasons = vec![HoldReason::AllDeactivated { deactivations: 3 }];
        let held = Run { hold: reasons.clone(), plan_digest: Some("ab12".to_owned()), ..run(RunStatus::Held) };
        let lines = advice(&held);
        assert!(lines[0].starts_with("held: "), "{lines:?}");
        let id = held.id;
        for command in [
            format!("`directoryctl run changes {id}`"),
            format!("`directoryctl run approve {id} --digest ab12`"),
            format!("`directoryctl run reject {id}`"),
        ] {
            assert!(lines.iter().any(|line| line.contains(&command)), "{command}: {lines:?}");
        }

        let lines = advice(&Run { hold: reasons.clone(), dry_run: true, ..run(RunStatus::Planned) });
        assert!(lines[0].starts_with("would be held: "), "{lines:?}");
        assert!(advice(&Run { hold: reasons, ..run(RunStatus::Succeeded) }).is_empty(), "it was approved");
    }

    #[test]
    fn a_preview_says_that_it_saved_nothing() {
        let draft = Draft { group_id: None, default_role: "member".to_owned(), policy: Policy::default() };
        let lines = advice(&Run { dry_run: true, draft: Some(draft), ..run(RunStatus::Planned) });
        assert!(lines[0].contains("nothing saved"), "{lines:?}");
    }

    #[test]
    fn a_cancelled_run_says_how_much_of_it_was_done() {
        let cancelled = run(RunStatus::Cancelled);
        assert!(advice(&cancelled)[0].contains("nothing was applied"), "{:?}", advice(&cancelled));
        let lines = advice(&Run { planned_changes: Some(9), applied_changes: 4, ..cancelled.clone() });
        assert!(lines[0].contains("4 of its 9 ") && lines[0].contains("--outcome planned"), "{lines:?}");
        let lines = advice(&Run { planned_changes: Some(9), applied_changes: 9, ..cancelled });
        assert!(lines[0].contains("9 of its 9 ") && !lines[0].contains("--outcome"), "{lines:?}");
    }

    #[test]
    fn conflicts_and_stale_changes_are_counted() {
        let counts = Counts { conflicts: 2, ..Counts::default() };
        let lines = advice(&Run { counts, exceptions: 5, ..run(RunStatus::CompletedWithErrors) });
        assert!(lines[0].contains(": 2 ") && lines[0].contains("--action conflict"), "{lines:?}");
        assert!(lines[1].contains(": 5 "), "{lines:?}");
    }
}
