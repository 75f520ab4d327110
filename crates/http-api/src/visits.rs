//! Requests that go out to a directory: they take seconds, cost the directory something, and are bounded by themselves, so
//! that they cannot keep every place of the server busy.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use directory_core::TenantId;

/// In one process.
const MOST: usize = 16;
/// Of one tenant.
const MOST_OF_ONE: usize = 2;

/// Who is out at the moment.
#[derive(Default)]
pub(crate) struct Visits {
    out: Mutex<HashMap<TenantId, usize>>,
}

/// Somebody is out until this is dropped.
pub(crate) struct Visit {
    visits: Arc<Visits>,
    tenant: TenantId,
}

impl Visits {
    /// `None` while as many are out as may be, of this tenant or at all.
    pub(crate) fn begin(self: &Arc<Self>, tenant: TenantId) -> Option<Visit> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        if out.values().sum::<usize>() >= MOST || out.get(&tenant).is_some_and(|count| *count >= MOST_OF_ONE) {
            return None;
        }
        *out.entry(tenant).or_default() += 1;
        Some(Visit { visits: Arc::clone(self), tenant })
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let mut out = self.visits.out.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = out.get_mut(&self.tenant) {
            *count -= 1;
            if *count == 0 {
                out.remove(&self.tenant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn tenant(n: u128) -> TenantId {
        TenantId(Uuid::from_u128(n))
    }

    #[test]
    fn a_tenant_has_a_few_and_everybody_together_some_more() {
        let visits = Arc::new(Visits::default());
        let first = visits.begin(tenant(1)).unwrap();
        let _second = visits.begin(tenant(1)).unwrap();
        assert!(visits.begin(tenant(1)).is_none());
        let mut others: Vec<_> = (2..20).filter_map(|n| visits.begin(tenant(n))).collect();
        assert_eq!(others.len(), MOST - 2);
        drop(first);
        others.push(visits.begin(tenant(1)).unwrap());
        assert!(visits.begin(tenant(30)).is_none());
        drop(others);
        assert_eq!(visits.out.lock().unwrap().len(), 1, "who is back is forgotten");
    }
}
