//! Every table of the schema that has a tenant's rows is behind the wall, those of later migrations included.

use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, Transaction};

use store::{Store, TenantWall};

use super::{Side, two_sides};
use crate::database::{TestDatabase, execute};

/// The one table whose rows nobody changes, of whatever tenant.
const UNCHANGEABLE: &str = "audit_entries";

/// A table with a tenant's rows.
struct Table {
    name: String,
    /// Which says whose.
    tenant: &'static str,
    /// All that can be written.
    columns: Vec<String>,
}

impl Table {
    /// Tenants themselves last: the others refer to them.
    async fn all(pool: &PgPool) -> Vec<Self> {
        let rows: Vec<(String, Vec<String>)> = sqlx::query_as(
            "SELECT table_name::text, array_agg(column_name::text) FILTER (WHERE is_generated = 'NEVER')
             FROM information_schema.columns WHERE table_schema = 'public' GROUP BY table_name
             HAVING bool_or(column_name = 'tenant_id') OR table_name = 'tenants'
             ORDER BY table_name = 'tenants', table_name",
        )
        .fetch_all(pool)
        .await
        .unwrap();
        let tenant = |name: &str| if name == "tenants" { "id" } else { "tenant_id" };
        rows.into_iter().map(|(name, columns)| Self { tenant: tenant(&name), name, columns }).collect()
    }

    async fn rows(&self, session: &mut PgConnection, of: Option<&Side>) -> u64 {
        let whose = of.map_or_else(String::new, |side| format!("WHERE {} = '{}'", self.tenant, side.tenant));
        let sql = format!("SELECT count(*) FROM {} {whose}", self.name);
        let rows: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(session).await.unwrap();
        rows.try_into().unwrap()
    }

    /// Copies of its rows for another tenant.
    fn copy_for(&self, side: &Side) -> String {
        let given = |column: &String| {
            if column == self.tenant { format!("'{}'::uuid", side.tenant) } else { format!("\"{column}\"") }
        };
        let columns: Vec<String> = self.columns.iter().map(|column| format!("\"{column}\"")).collect();
        let values: Vec<String> = self.columns.iter().map(given).collect();
        format!("INSERT INTO {0} ({1}) SELECT {2} FROM {0}", self.name, columns.join(", "), values.join(", "))
    }
}

async fn named(pool: &PgPool, side: &Side) -> Transaction<'static, Postgres> {
    let mut tx = pool.begin().await.unwrap();
    execute(&mut tx, &format!("SET LOCAL directory.tenant = '{}'", side.tenant)).await.unwrap();
    tx
}

async fn is_refused(tx: &mut PgConnection, sql: &str) {
    const INSUFFICIENT_PRIVILEGE: &str = "42501";
    let refused = execute(tx, sql).await;
    let code = refused.as_ref().err().and_then(|error| error.as_database_error()?.code());
    assert_eq!(code.as_deref(), Some(INSUFFICIENT_PRIVILEGE), "{sql}: {refused:?}");
}

#[tokio::test]
async fn every_table_is_behind_a_forced_policy() {
    let (database, store) = TestDatabase::migrated().await;
    let tables = Table::all(&database.product).await;
    assert!(tables.len() >= 10, "every table is looked at");
    for table in &tables {
        let policies = database
            .number(&format!(
                "SELECT count(*) FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid
                 WHERE c.oid = '{}'::regclass AND c.relrowsecurity AND c.relforcerowsecurity AND p.polcmd = '*'",
                table.name
            ))
            .await;
        assert_eq!(policies, 1, "{}: a policy for everything, and no other that lets more pass", table.name);
    }

    for table in &tables {
        database.sql(&format!("ALTER TABLE {} DISABLE ROW LEVEL SECURITY", table.name)).await;
    }
    let mut open: Vec<String> = tables.into_iter().map(|table| table.name).collect();
    open.sort_unstable();
    assert_eq!(store.tenant_wall().await.unwrap(), TenantWall::TablesOpen(open), "the store knows each of them");
}

#[tokio::test]
async fn statements_without_a_condition_stay_within_the_tenant() {
    let (database, _, ours, theirs) = two_sides().await;
    let pool = &database.product;
    let tables = Table::all(pool).await;
    for table in &tables {
        let name = &table.name;
        let mut all = pool.acquire().await.unwrap();
        let (own, others) = (table.rows(&mut all, Some(&ours)).await, table.rows(&mut all, Some(&theirs)).await);
        assert!(own > 0 && others > 0, "{name} has something of both");

        let mut tx = named(pool, &ours).await;
        assert_eq!(table.rows(&mut tx, None).await, own, "{name}");
        let column = table.tenant;
        if name != UNCHANGEABLE {
            let all = format!("UPDATE {name} SET {column} = {column}");
            assert_eq!(execute(&mut tx, &all).await.unwrap(), own, "{name}");
            is_refused(&mut tx, &format!("UPDATE {name} SET {column} = '{}'", theirs.tenant)).await;
        }
        tx.rollback().await.unwrap();
        is_refused(&mut *named(pool, &ours).await, &table.copy_for(&theirs)).await;
    }

    let mut tx = named(pool, &ours).await;
    for table in &tables {
        execute(&mut tx, &format!("DELETE FROM {}", table.name)).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut all = pool.acquire().await.unwrap();
    for table in &tables {
        assert_eq!(table.rows(&mut all, Some(&ours)).await, 0, "{}", table.name);
        assert!(table.rows(&mut all, Some(&theirs)).await > 0, "{}", table.name);
    }
}
