//! The store's traits, each method of which is one call of the disturbed store.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use directory_core::{
    Amendment, ConnectionId, EmailKey, ExternalId, LinkedUser, LocalUser, PlanSummary, RunId, TenantFacts, TenantId,
    UserId,
};
use store::{
    Actor, Applied, Approval, Audit, AuditEntry, AuditFilter, Census, ChangeFilter, ChangeRecord, Choice, Claim,
    ClaimLimits, CloudInUse, Connection, ConnectionUpdate, Connections, Continued, CreatedRun, Directory, Due,
    DueStart, EachProfile, Ending, EventFilter, EventId, Events, Examination, ExpiringCredential, ExternalPage, Feed,
    IdPage, IgnoredUser, Lease, Linking, NewConnection, NewCredential, NewRun, NewTenant, NewToken, PlanNext, Progress,
    Reading, Run, RunEnd, Runs, ScheduleError, Schedules, SealedCredential, SeqPage, StagedPage, Store, StoreError,
    Tenant, Tenants, Token, Tokens, UpdatedConnection, UserFilter, UserRecord, Users,
};
use store::{
    Delivery, DeliveryState, LeasedWebhook, NewWebhook, NewWebhookSecret, Replay, SealedWebhookSecret, SendLimits,
    UpdatedWebhook, Webhook, WebhookLease, WebhookRound, WebhookUpdate, Webhooks,
};
use uuid::Uuid;

use super::disturbed::Disturbed;

macro_rules! disturbed {
    ($part:ident { $(fn $method:ident($($argument:ident: $type:ty),*) -> $answer:ty;)+ }) => {
        #[async_trait]
        impl $part for Disturbed {
            $(async fn $method(&self, $($argument: $type),*) -> Result<$answer, StoreError> {
                self.call(stringify!($method), self.store.$method($($argument),*)).await
            })+
        }
    };
}

disturbed!(Store {
    fn migrate() -> ();
    fn check() -> ();
    fn examine() -> Examination;
    fn census() -> Census;
    fn history(tenant: TenantId, connection: ConnectionId, page: IdPage) -> Option<Vec<Run>>;
});

disturbed!(Tenants {
    fn create_tenant(by: &Actor, tenant: &NewTenant) -> Tenant;
    fn tenant(id: TenantId) -> Option<Tenant>;
    fn tenant_by_slug(slug: &str) -> Option<Tenant>;
    fn tenants() -> Vec<Tenant>;
});

disturbed!(Tokens {
    fn create_token(by: &Actor, token: &NewToken) -> Token;
    fn usable_token(hash: &[u8; 32]) -> Option<Token>;
    fn tokens(tenant: TenantId) -> Vec<Token>;
    fn note_token_use(tenant: TenantId, id: Uuid) -> ();
    fn revoke_token(by: &Actor, tenant: TenantId, id: Uuid) -> bool;
});

disturbed!(Connections {
    fn create_connection(by: &Actor, connection: &NewConnection) -> Connection;
    fn former_connection(tenant: TenantId, directory: Directory<'_>) -> Option<ConnectionId>;
    fn update_connection(by: &Actor, tenant: TenantId, id: ConnectionId, seen: DateTime<Utc>, update: &ConnectionUpdate)
        -> UpdatedConnection;
    fn delete_connection(by: &Actor, tenant: TenantId, id: ConnectionId) -> bool;
    fn ignored_users(tenant: TenantId, connection: ConnectionId, page: ExternalPage) -> Vec<IgnoredUser>;
    fn ignore_user(by: &Actor, tenant: TenantId, connection: ConnectionId, external_id: &ExternalId) -> bool;
    fn heed_user(by: &Actor, tenant: TenantId, connection: ConnectionId, external_id: &ExternalId) -> bool;
    fn connection(tenant: TenantId, id: ConnectionId) -> Option<Connection>;
    fn connections(tenant: TenantId, page: IdPage) -> Vec<Connection>;
    fn sealed_credential(tenant: TenantId, id: ConnectionId) -> Option<SealedCredential>;
    fn set_credential(
        by: &Actor, tenant: TenantId, id: ConnectionId, seen: DateTime<Utc>, credential: &NewCredential, works: bool
    ) -> UpdatedConnection;
    fn sealed_credentials(after: Option<(TenantId, ConnectionId)>, limit: u32) -> Vec<SealedCredential>;
    fn expiring_credentials(before: DateTime<Utc>, after: Option<(TenantId, ConnectionId)>, limit: u32)
        -> Vec<ExpiringCredential>;
    fn clouds_in_use() -> Vec<CloudInUse>;
    fn reseal_credential(by: &Actor, read: &SealedCredential, sealed: &[u8]) -> bool;
});

disturbed!(Schedules {
    fn due_connections(now: DateTime<Utc>, after: Option<&Due>, limit: u32) -> Vec<Due>;
    fn start_due(due: &Due, run: RunId, now: DateTime<Utc>) -> DueStart;
    fn unplanned_connections(after: Option<(TenantId, ConnectionId)>, limit: u32) -> Vec<(TenantId, ConnectionId)>;
    fn plan_connection(tenant: TenantId, connection: ConnectionId, now: DateTime<Utc>) -> Result<(), ScheduleError>;
});

disturbed!(Runs {
    fn create_run(by: &Actor, run: &NewRun) -> CreatedRun;
    fn run(tenant: TenantId, id: RunId) -> Option<Run>;
    fn runs(tenant: TenantId, connection: ConnectionId, page: IdPage) -> Vec<Run>;
    fn last_runs(tenant: TenantId, connections: &[ConnectionId]) -> Vec<Run>;
    fn changes(tenant: TenantId, run: RunId, filter: ChangeFilter, page: SeqPage) -> Vec<ChangeRecord>;
    fn claim_next(token: Uuid, lease: Duration, limits: ClaimLimits) -> Option<Claim>;
    fn claim_run(tenant: TenantId, run: RunId, token: Uuid, lease: Duration) -> Option<Claim>;
    fn renew(lease: &Lease, length: Duration, progress: Progress) -> ();
    fn release(lease: &Lease) -> ();
    fn clear_plan(lease: &Lease) -> ();
    fn stage(lease: &Lease, page: &StagedPage) -> ();
    fn amend(lease: &Lease, amendments: &[Amendment]) -> ();
    fn continuation(tenant: TenantId, connection: ConnectionId) -> Option<Continued>;
    fn finish_plan(lease: &Lease, plan: &PlanSummary, reading: &Reading, next: &PlanNext) -> ();
    fn apply_batch(lease: &Lease, limit: u32) -> Applied;
    fn approve_run(by: &Actor, tenant: TenantId, run: RunId, digest: &str, choice: &Choice) -> Approval;
    fn reject_run(by: &Actor, tenant: TenantId, run: RunId) -> Ending;
    fn cancel_run(by: &Actor, tenant: TenantId, run: RunId) -> Ending;
    fn delete_old_changes(age: Duration, limit: u32) -> bool;
    fn finish_run(lease: &Lease, end: &RunEnd) -> Run;
});

disturbed!(Users {
    fn users_by_external_id(tenant: TenantId, connection: ConnectionId, ids: &[ExternalId]) -> Vec<LocalUser>;
    fn users_by_email(tenant: TenantId, emails: &[EmailKey]) -> Vec<LocalUser>;
    fn linked_profiles(tenant: TenantId, connection: ConnectionId, each: &mut EachProfile<'_>) -> ();
    fn active_linked_users(tenant: TenantId, connection: ConnectionId, after: Option<&ExternalId>, limit: u32)
        -> Vec<LinkedUser>;
    fn tenant_facts(tenant: TenantId, connection: ConnectionId, protected_roles: &[String]) -> TenantFacts;
    fn link_user(by: &Actor, tenant: TenantId, user: UserId, connection: ConnectionId, external_id: &ExternalId) -> Linking;
    fn unlink_user(by: &Actor, tenant: TenantId, user: UserId) -> Option<UserRecord>;
    fn user(tenant: TenantId, id: UserId) -> Option<UserRecord>;
    fn users(tenant: TenantId, filter: &UserFilter, page: IdPage) -> Vec<UserRecord>;
});

disturbed!(Audit {
    fn audit_entries(tenant: TenantId, filter: &AuditFilter, page: IdPage) -> Vec<AuditEntry>;
});

disturbed!(Events {
    fn events(tenant: TenantId, after: Option<EventId>, filter: &EventFilter, limit: u32) -> Feed;
    fn latest_event(tenant: TenantId) -> EventId;
    fn delete_old_events(age: Duration, limit: u32) -> bool;
});

disturbed!(Webhooks {
    fn create_webhook(by: &Actor, webhook: &NewWebhook, most: u32) -> Option<Webhook>;
    fn webhook(tenant: TenantId, id: Uuid) -> Option<Webhook>;
    fn webhooks(tenant: TenantId, page: IdPage) -> Vec<Webhook>;
    fn update_webhook(by: &Actor, tenant: TenantId, id: Uuid, seen: DateTime<Utc>, update: &WebhookUpdate) -> UpdatedWebhook;
    fn delete_webhook(by: &Actor, tenant: TenantId, id: Uuid) -> bool;
    fn rotate_webhook_secret(
        by: &Actor, tenant: TenantId, id: Uuid, secret: &NewWebhookSecret, old_until: DateTime<Utc>
    ) -> Option<Webhook>;
    fn webhook_secrets(tenant: TenantId, id: Uuid, now: DateTime<Utc>) -> Vec<SealedWebhookSecret>;
    fn sealed_webhook_secrets(after: Option<(TenantId, Uuid)>, limit: u32) -> Vec<SealedWebhookSecret>;
    fn reseal_webhook_secret(by: &Actor, read: &SealedWebhookSecret, sealed: &[u8]) -> bool;
    fn lease_webhook(token: Uuid, length: Duration, now: DateTime<Utc>, limits: SendLimits) -> Option<LeasedWebhook>;
    fn note_round(lease: &WebhookLease, length: Duration, round: &WebhookRound) -> bool;
    fn release_webhook(lease: &WebhookLease) -> ();
    fn due_deliveries(tenant: TenantId, webhook: Uuid, now: DateTime<Utc>, limit: u32) -> Vec<Delivery>;
    fn deliveries(tenant: TenantId, webhook: Uuid, state: Option<DeliveryState>, page: IdPage) -> Vec<Delivery>;
    fn replay_webhook(by: &Actor, tenant: TenantId, webhook: Uuid, replay: Replay, now: DateTime<Utc>) -> Option<u64>;
    fn delete_old_deliveries(before: DateTime<Utc>, limit: u32) -> bool;
});
