//! Tenants and their API tokens.

use uuid::Uuid;

use super::{
    Harness,
    world::{World, add_tenant, id, second},
};
use crate::{Actor, NewTenant, NewToken, StoreError, Token, TokenRole, UniqueKey};

fn new_token(world: &World, hash: u8) -> NewToken {
    NewToken {
        id: id(),
        tenant: world.tenant,
        name: "Zoë's \u{1f511}".to_owned(),
        role: TokenRole::Viewer,
        hash: [hash; 32],
        expires_at: None,
    }
}

/// A tenant reads back as it was made, and an unknown slug or id is nobody's.
pub async fn a_tenant_is_found_by_its_slug_and_its_id(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let new = NewTenant { id: id().into(), slug: "globex-2".to_owned(), name: "Globéx \u{1f30d} 'Ltd'".to_owned() };
    let made = world.store.create_tenant(Actor::SYSTEM, &new).await.unwrap();
    assert_eq!((made.id, made.slug.as_str(), made.name.as_str()), (new.id, "globex-2", new.name.as_str()));
    assert_eq!(world.store.tenant_by_slug("globex-2").await.unwrap(), Some(made.clone()));
    assert_eq!(world.store.tenant_by_slug("globex").await.unwrap(), None);
    assert_eq!(world.store.tenant(new.id).await.unwrap(), Some(made));
    assert_eq!(world.store.tenant(id().into()).await.unwrap(), None);
}

/// Every tenant, ordered by slug.
pub async fn tenants_are_listed_by_slug(harness: &dyn Harness) {
    let world = World::new(harness).await;
    for slug in ["zeta", "beta", "omega"] {
        add_tenant(&*world.store, slug).await;
    }
    let slugs: Vec<String> = world.store.tenants().await.unwrap().into_iter().map(|tenant| tenant.slug).collect();
    assert_eq!(slugs, ["acme", "beta", "omega", "zeta"]);
}

/// Two tenants cannot have one slug, and the refusal says which key it was.
pub async fn a_slug_in_use_is_a_conflict(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let again = NewTenant { id: id().into(), slug: "acme".to_owned(), name: "Another".to_owned() };
    let refused = world.store.create_tenant(Actor::SYSTEM, &again).await;
    assert!(matches!(refused, Err(StoreError::Conflict(UniqueKey::TenantSlug))), "{refused:?}");
    assert_eq!(world.store.tenants().await.unwrap().len(), 1);
}

/// A token is found by the whole of its hash.
pub async fn a_token_is_found_by_its_hash(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let new = NewToken { expires_at: Some(second("2999-12-31T23:59:59Z")), ..new_token(&world, 1) };
    let made = world.store.create_token(Actor::SYSTEM, &new).await.unwrap();
    let expected = Token {
        id: new.id,
        tenant: world.tenant,
        name: new.name.clone(),
        role: TokenRole::Viewer,
        created_at: made.created_at,
        expires_at: new.expires_at,
        revoked_at: None,
        last_used_at: None,
    };
    assert_eq!(made, expected);
    assert_eq!(world.store.usable_token(&[1; 32]).await.unwrap(), Some(expected));
    let mut near = [1; 32];
    near[31] = 2;
    assert_eq!(world.store.usable_token(&near).await.unwrap(), None);
}

/// A token is refused once its time has come.
pub async fn an_expired_token_is_not_usable(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let new = NewToken { expires_at: Some(second("2001-01-01T00:00:00Z")), ..new_token(&world, 1) };
    world.store.create_token(Actor::SYSTEM, &new).await.unwrap();
    assert_eq!(world.store.usable_token(&new.hash).await.unwrap(), None);
    assert_eq!(world.store.tokens(world.tenant).await.unwrap().len(), 1, "it stays listed");
}

/// A revoked token is refused; revoking again keeps the first time.
pub async fn a_revoked_token_is_not_usable(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let new = new_token(&world, 1);
    world.store.create_token(Actor::SYSTEM, &new).await.unwrap();
    assert!(world.store.revoke_token(Actor::SYSTEM, world.tenant, new.id).await.unwrap());
    assert_eq!(world.store.usable_token(&new.hash).await.unwrap(), None);

    assert!(world.store.tokens(world.tenant).await.unwrap()[0].revoked_at.is_some());
    world.sql("UPDATE api_tokens SET revoked_at = '2001-01-01T00:00:00.000Z'").await;
    assert!(world.store.revoke_token(Actor::SYSTEM, world.tenant, new.id).await.unwrap());
    let listed = world.store.tokens(world.tenant).await.unwrap();
    assert_eq!(listed[0].revoked_at, Some(second("2001-01-01T00:00:00Z")));
    assert!(!world.store.revoke_token(Actor::SYSTEM, world.tenant, id()).await.unwrap(), "no such token");
}

/// A token says when it was last used, to about a minute: being told more often writes nothing.
pub async fn the_last_use_of_a_token_is_noted(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let new = new_token(&world, 1);
    world.store.create_token(Actor::SYSTEM, &new).await.unwrap();
    let unused = NewToken { id: id(), ..new_token(&world, 2) };
    world.store.create_token(Actor::SYSTEM, &unused).await.unwrap();
    let last_use = async |hash: &[u8; 32]| world.store.usable_token(hash).await.unwrap().unwrap().last_used_at;
    assert_eq!(last_use(&new.hash).await, None);
    let other = add_tenant(&*world.store, "other").await;
    world.store.note_token_use(other, new.id).await.unwrap();
    assert_eq!(last_use(&new.hash).await, None, "another tenant's");

    world.store.note_token_use(world.tenant, new.id).await.unwrap();
    let first = last_use(&new.hash).await;
    assert!(first.is_some());
    world.store.note_token_use(world.tenant, new.id).await.unwrap();
    assert_eq!(last_use(&new.hash).await, first);
    world.sql("UPDATE api_tokens SET last_used_at = '2001-01-01T00:00:00.000Z' WHERE last_used_at IS NOT NULL").await;
    world.store.note_token_use(world.tenant, new.id).await.unwrap();
    assert!(last_use(&new.hash).await >= first);
    assert_eq!(last_use(&unused.hash).await, None);
}

/// A tenant's tokens, oldest first.
pub async fn tokens_are_listed_oldest_first(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let mut made: Vec<Uuid> = Vec::new();
    for hash in 1..=3 {
        made.push(world.store.create_token(Actor::SYSTEM, &new_token(&world, hash)).await.unwrap().id);
    }
    let listed: Vec<Uuid> = world.store.tokens(world.tenant).await.unwrap().into_iter().map(|token| token.id).collect();
    assert_eq!(listed, made);
}

/// One tenant neither sees nor revokes another's tokens.
pub async fn tokens_are_the_tenants_own(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let other = add_tenant(&*world.store, "other").await;
    let new = new_token(&world, 1);
    world.store.create_token(Actor::SYSTEM, &new).await.unwrap();
    assert_eq!(world.store.tokens(other).await.unwrap(), []);
    assert!(!world.store.revoke_token(Actor::SYSTEM, other, new.id).await.unwrap());
    let usable = world.store.usable_token(&new.hash).await.unwrap().expect("still usable");
    assert_eq!(usable.tenant, world.tenant);
}
