//! `key status`

use std::collections::HashMap;

use directory_core::TenantId;
use sync_engine::Unopened;

use crate::{
    exit::Exit,
    output::note,
    session::Invocation,
    show::key::{self, KeysView},
};

/// Named one by one beside a table; JSON has them all.
const NAMED: usize = 20;

pub(super) async fn run(invocation: Invocation) -> anyhow::Result<Exit> {
    let session = invocation.open().await?;
    let engine = session.engine()?;
    let used = engine.key_use().await?;
    let unopened = engine.unopened_credentials().await?;
    session.format.show(&KeysView::new(session.keyring(), &used, &unopened), key::status)?;
    if unopened.is_empty() {
        return Ok(Exit::Done);
    }
    let tenants = session.store.tenants().await?;
    let slugs = tenants.iter().map(|tenant| (tenant.id, tenant.slug.as_str())).collect();
    for line in complaints(&unopened, &slugs) {
        note(&line);
    }
    Ok(Exit::Failed)
}

/// What cannot be opened, credential by credential, and what to do about it.
fn complaints(unopened: &[Unopened], slugs: &HashMap<TenantId, &str>) -> Vec<String> {
    let name = |one: &Unopened| {
        let slug = slugs.get(&one.tenant).unwrap_or(&"?");
        format!("error: the credential of {} of tenant `{slug}` does not open: {}", one.holder, one.reason)
    };
    let mut lines: Vec<String> = unopened.iter().take(NAMED).map(name).collect();
    if unopened.len() > NAMED {
        lines.push(format!("error: and {} more; `--output json` names them all", unopened.len() - NAMED));
    }
    let mut missing: Vec<&str> = unopened.iter().filter_map(|one| one.kid.as_deref()).collect();
    missing.sort_unstable();
    missing.dedup();
    if !missing.is_empty() {
        lines.push(format!(
            "add what is missing of these keys back to DIRECTORY_ENCRYPTION_KEYS or the key file: `{}`",
            missing.join("`, `")
        ));
    }
    lines.push(
        "where the key is lost for good, `directoryctl connection set-secret` puts a new credential in place, and \
         `directoryctl webhook rotate-secret` a new secret"
            .to_owned(),
    );
    lines
}

#[cfg(test)]
mod tests {
    use directory_core::ConnectionId;
    use sync_engine::Holder;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_few_are_named_and_the_rest_is_counted() {
        let tenant = TenantId(Uuid::from_u128(1));
        let one = |number: u128, kid: Option<&str>| Unopened {
            tenant,
            holder: Holder::Connection(ConnectionId(Uuid::from_u128(number))),
            kid: kid.map(str::to_owned),
            reason: "its key is missing".to_owned(),
        };
        let slugs = HashMap::from([(tenant, "acme")]);
        let few = complaints(&[one(7, Some("k2")), one(8, Some("k1")), one(9, Some("k2"))], &slugs);
        assert_eq!(few.len(), 5, "{few:?}");
        assert!(few[0].contains("0007 of tenant `acme` does not open: its key is missing"), "{few:?}");
        assert!(few[3].ends_with("`k1`, `k2`"), "{few:?}");
        let many: Vec<_> = (0..25).map(|number| one(number, None)).collect();
        let lines = complaints(&many, &slugs);
        assert_eq!(lines.len(), 22, "{lines:?}");
        assert!(lines[20].contains("and 5 more"), "{lines:?}");
    }
}
