//! Webhooks, and messages that did not arrive.

use http_api::model::{DeliveryView, ListView, ReplayedView, WebhookSecretView, WebhookTestView, WebhookView};

use crate::table::{Table, or_dash, time};

pub(crate) fn list(webhooks: &ListView<WebhookView>) -> Table {
    let mut table = Table::list(["ID", "STATE", "URL", "EVENTS", "PENDING", "DEAD"]);
    for webhook in &webhooks.items {
        table.row([
            webhook.id.to_string(),
            webhook.state.as_str().to_owned(),
            webhook.url.clone(),
            events(webhook),
            webhook.pending_deliveries.to_string(),
            webhook.dead_deliveries.to_string(),
        ]);
    }
    table
}

pub(crate) fn one(webhook: &WebhookView) -> Table {
    let mut table = Table::facts();
    facts(&mut table, webhook);
    table
}

pub(crate) fn with_secret(made: &WebhookSecretView) -> Table {
    let mut table = Table::facts();
    facts(&mut table, &made.webhook);
    table.fact("Secret", made.secret.clone());
    table
}

pub(crate) fn deliveries(deliveries: &ListView<DeliveryView>) -> Table {
    let mut table = Table::list(["ID", "STATE", "EVENT", "TRIED", "LAST", "FAILED", "NEXT"]);
    for delivery in &deliveries.items {
        let last = delivery.last_status.map_or_else(|| delivery.last_code.clone(), |status| status.to_string());
        table.row([
            delivery.id.to_string(),
            delivery.state.as_str().to_owned(),
            delivery.event_type.clone(),
            delivery.attempts.to_string(),
            last,
            time(delivery.failed_at),
            or_dash(delivery.next_attempt_at.map(time)),
        ]);
    }
    table
}

pub(crate) fn test(test: &WebhookTestView) -> Table {
    let mut table = Table::facts();
    table
        .fact("Arrived", if test.ok { "yes" } else { "no" }.to_owned())
        .fact("Status", test.status.map(|status| status.to_string()))
        .fact("Reason", test.message.clone());
    table
}

pub(crate) fn replayed(replayed: ReplayedView) -> Table {
    let mut table = Table::facts();
    table.fact("Sent again", replayed.deliveries.to_string());
    table
}

fn facts(table: &mut Table, webhook: &WebhookView) {
    table
        .fact("ID", webhook.id.to_string())
        .fact("URL", webhook.url.clone())
        .fact("Description", webhook.description.clone())
        .fact("Events", events(webhook))
        .fact("State", webhook.state.as_str().to_owned())
        .fact("Reason", webhook.state_reason.clone())
        .fact("Cursor", webhook.cursor.to_string())
        .fact("Pending", webhook.pending_deliveries.to_string())
        .fact("Dead", webhook.dead_deliveries.to_string())
        .fact("Secret made", time(webhook.secret_created_at))
        .fact("Made", time(webhook.created_at));
}

fn events(webhook: &WebhookView) -> String {
    let words = webhook.event_types.as_ref().map(|kinds| kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>());
    words.map_or_else(|| "all".to_owned(), |words| words.join(", "))
}
