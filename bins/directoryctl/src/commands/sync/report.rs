//! What came of a run: the data, and what a person should know or do next.

use http_api::model::RunView;
use store::{Run, RunStatus};

use crate::{
    exit::Exit,
    output::{Format, note},
    show::run::one,
};

/// Shows the run, and says how the command ends.
pub(super) fn report(format: Format, run: Run) -> anyhow::Result<Exit> {
    let exit = Exit::of_run(run.status);
    let advice = advice(&run);
    format.show(&RunView::from(run), one)?;
    for line in advice {
        note(&line);
    }
    Ok(exit)
}

/// Lines for a person, most important first.
fn advice(run: &Run) -> Vec<String> {
    let id = run.id;
    let mut lines = Vec::new();
    if let Some(error) = &run.error {
        lines.push(format!("error: {}", error.message));
        lines.push(error.hint.clone());
    }
    let held = if run.dry_run { "would be held" } else { "held" };
    lines.extend(run.hold.iter().map(|reason| format!("{held}: {}", reason.message())));
    match run.status {
        RunStatus::Held => lines.push(format!(
            "nothing was applied: look at the plan with `directoryctl run changes {id}`, then approve or reject it"
        )),
        RunStatus::Planned => {
            lines.push(format!("nothing was applied: `directoryctl run changes {id}` shows the plan"));
        }
        RunStatus::Queued => lines.push(format!(
            "the run was given back: a server carries it out, or `directoryctl sync {} --resume`",
            run.connection
        )),
        RunStatus::Running => {
            lines.push(format!("the run goes on elsewhere: `directoryctl run show {id}` shows where it stands"));
        }
        RunStatus::CompletedWithErrors if run.counts.conflicts > 0 => lines.push(format!(
            "users that need a decision: {} (`directoryctl run changes {id} --action conflict`)",
            run.counts.conflicts
        )),
        RunStatus::Cancelled => lines.push("the run was cancelled".to_owned()),
        RunStatus::Superseded => lines.push("a newer run took this one's place".to_owned()),
        RunStatus::Rejected => lines.push("the plan was rejected".to_owned()),
        RunStatus::CompletedWithErrors | RunStatus::Succeeded | RunStatus::Failed => {}
    }
    if run.exceptions > 0 {
        lines.push(format!(
            "changes that were not applied, and that the next run plans again: {} (`directoryctl run changes {id} \
             --outcome stale`)",
            run.exceptions
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use directory_core::{Counts, HoldReason, RunErrorCode};
    use store::{RunError, RunMode, Trigger};

    use super::*;

    fn run(status: RunStatus) -> Run {
        Run {
            id: "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap(),
            tenant: "01890a5d-ac96-774b-bcce-b302099a8058".parse().unwrap(),
            connection: "01890a5d-ac96-774b-bcce-b302099a8059".parse().unwrap(),
            status,
            phase: None,
            mode: RunMode::Auto,
            trigger: Trigger::Manual,
            dry_run: false,
            counts: Counts::default(),
            planned_changes: None,
            exceptions: 0,
            plan_digest: None,
            hold: Vec::new(),
            error: None,
            created_at: "2026-01-02T03:04:05Z".parse().unwrap(),
            started_at: None,
            finished_at: None,
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
    fn a_held_run_gives_its_reasons_and_leads_to_its_plan() {
        let hold = vec![HoldReason::AllDeactivated { deactivations: 3 }];
        let lines = advice(&Run { hold: hold.clone(), ..run(RunStatus::Held) });
        assert!(lines[0].starts_with("held: ") && lines[1].contains("run changes"), "{lines:?}");
        let lines = advice(&Run { hold, dry_run: true, ..run(RunStatus::Planned) });
        assert!(lines[0].starts_with("would be held: "), "{lines:?}");
    }

    #[test]
    fn conflicts_and_stale_changes_are_counted() {
        let counts = Counts { conflicts: 2, ..Counts::default() };
        let lines = advice(&Run { counts, exceptions: 5, ..run(RunStatus::CompletedWithErrors) });
        assert!(lines[0].contains(": 2 ") && lines[0].contains("--action conflict"), "{lines:?}");
        assert!(lines[1].contains(": 5 "), "{lines:?}");
    }
}
