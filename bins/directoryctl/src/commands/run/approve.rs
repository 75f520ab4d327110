//! `run approve`

use anyhow::{Context, anyhow};
use directory_core::RunId;
use http_api::model::{ApprovalInput, ApprovedPlan};
use store::{Approval, Run, RunStatus};

use super::positions::Positions;
use crate::{
    exit::{BadUsage, Exit},
    follow,
    session::Invocation,
};

/// What of which plan.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The held run's id
    #[arg(value_name = "RUN")]
    id: RunId,
    /// The digest of the plan that was reviewed: a plan with another one is not applied
    #[arg(long)]
    digest: String,
    /// Only the changes at these positions, such as 1,4,7-12; the others are rejected
    #[arg(long, value_name = "LIST", conflicts_with = "except")]
    changes: Option<Positions>,
    /// Every change but those at these positions, which are rejected
    #[arg(long, value_name = "LIST")]
    except: Option<Positions>,
    /// Only approve, and leave the run to a server to carry out
    #[arg(long)]
    detach: bool,
}

impl Args {
    /// What is approved of which plan.
    fn plan(&self) -> Result<ApprovedPlan, BadUsage> {
        let numbers = |positions: &Positions| positions.0.iter().copied().map(u64::from).collect();
        let body = ApprovalInput {
            plan_digest: Some(self.digest.clone()),
            changes: self.changes.as_ref().map(numbers),
            except: self.except.as_ref().map(numbers),
        };
        body.into_plan().map_err(|errors| {
            // The digest's form is all that the flags leave to complain about.
            BadUsage(errors.iter().map(|error| format!("--digest {}", error.detail)).collect::<Vec<_>>().join("; "))
        })
    }
}

pub(super) async fn run(args: &Args, invocation: Invocation) -> anyhow::Result<Exit> {
    let ApprovedPlan { digest, choice } = args.plan()?;
    let session = invocation.open().await?;
    let tenant = session.tenant().await?;
    let held = super::named(&session, &tenant, args.id).await?;
    let engine = session.engine()?;
    let approval = engine.approve(&session.by, tenant.id, held.id, &digest, &choice).await;
    let approval = approval.context("the run was not approved")?;
    if let Some(refusal) = refusal(&held, approval) {
        return Err(refusal);
    }
    if args.detach {
        follow::detached(&session, tenant.id, held.id).await
    } else {
        follow::to_the_end(&session, &engine, tenant.id, held.id).await
    }
}

/// Why nothing was approved, and what to do instead.
fn refusal(run: &Run, approval: Approval) -> Option<anyhow::Error> {
    let id = run.id;
    let refusal = match approval {
        Approval::Approved(_) => return None,
        Approval::NotHeld(status) => anyhow!("run {id} {}", not_held(run, status)),
        Approval::OtherPlan => anyhow!(
            "nothing was approved: run {id} has another plan than the one with this digest; look at it with \
             `directoryctl run changes {id}`, and take its digest from `directoryctl run show {id}`"
        ),
        Approval::NotInPlan(positions) => BadUsage(format!(
            "nothing was approved: the plan has nothing to apply at {}; `directoryctl run changes {id}` shows the \
             positions, of which those of conflicts and protected users cannot be chosen",
            positions.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
        ))
        .into(),
        Approval::NothingChosen => anyhow!(
            "nothing was approved: no change would be left to apply; `directoryctl run reject {id}` turns the whole \
             plan down"
        ),
        Approval::AlreadyActive(active) => anyhow!(
            "nothing was approved yet: {}; approve the plan after that",
            follow::unfinished(active, run.connection)
        ),
        Approval::NoRun => anyhow!("the run is gone"),
    };
    Some(refusal)
}

fn not_held(run: &Run, status: RunStatus) -> String {
    let (id, connection) = (run.id, run.connection);
    match status {
        RunStatus::Queued | RunStatus::Running => {
            format!("is {} and needs no approval: `directoryctl run show {id}` shows where it stands", status.as_str())
        }
        RunStatus::Planned => format!(
            "was a dry run, which is never applied: `directoryctl sync {connection}` plans again, and applies or \
             holds the plan"
        ),
        RunStatus::Superseded => format!(
            "is no longer held: a newer run took its place; `directoryctl run list {connection}` shows the newer ones"
        ),
        RunStatus::Held
        | RunStatus::Succeeded
        | RunStatus::CompletedWithErrors
        | RunStatus::Failed
        | RunStatus::Cancelled
        | RunStatus::Rejected => format!(
            "has ended ({}) and cannot be approved: `directoryctl sync {connection}` plans again",
            status.as_str()
        ),
    }
}
