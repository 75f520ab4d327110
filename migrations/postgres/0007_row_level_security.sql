-- A second wall between tenants. The first are the conditions of the statements themselves; where one is forgotten, the
-- server shows and changes no rows but those of the tenant that the transaction has named in `directory.tenant`.
--
-- Who names none sees everything, as before: the product and its other services, a program of the version before, and
-- what is of no tenant (handing runs out, looking a token up, rotating keys, migrating). Superusers and roles with
-- BYPASSRLS are not bound by any of this. SQLite has no such thing, hence no counterpart there.

-- The tenant that the transaction has named. In a session that named one before, the setting is empty instead of null.
CREATE FUNCTION directory_tenant() RETURNS uuid
    LANGUAGE sql STABLE AS
$$
SELECT NULLIF(current_setting('directory.tenant', true), '')::uuid
$$;

-- The sub-select makes it one call a statement instead of one a row. The rest of the condition says no more than "its
-- tenant, or any when none is named", but of something that is not null the server expects that nearly every row is so, and
-- of a plain comparison that few are: it would read and sort a tenant's whole history to show a page of it.
--
-- Forced, because the server is usually the tables' owner. Runs come first: most transactions begin with them, so that one
-- which is under way is waited for instead of being met half-way.
ALTER TABLE sync_runs ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON sync_runs
    USING (NULLIF(tenant_id = COALESCE((SELECT directory_tenant()), tenant_id), false) IS NOT NULL);

ALTER TABLE sync_changes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON sync_changes
    USING (NULLIF(tenant_id = COALESCE((SELECT directory_tenant()), tenant_id), false) IS NOT NULL);

ALTER TABLE connections ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON connections
    USING (NULLIF(tenant_id = COALESCE((SELECT directory_tenant()), tenant_id), false) IS NOT NULL);

ALTER TABLE former_connections ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON former_connections
    USING (NULLIF(tenant_id = COALESCE((SELECT directory_tenant()), tenant_id), false) IS NOT NULL);

ALTER TABLE ignored_users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON ignored_users
    USING (NULLIF(tenant_id = COALESCE((SELECT directory_tenant()), tenant_id), false) IS NOT NULL);

ALTER TABLE users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON users
    USING (NULLIF(tenant_id = COALESCE((SELECT directory_tenant()), tenant_id), false) IS NOT NULL);

ALTER TABLE api_tokens ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON api_tokens
    USING (NULLIF(tenant_id = COALESCE((SELECT directory_tenant()), tenant_id), false) IS NOT NULL);

ALTER TABLE tenants ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON tenants
    USING (NULLIF(id = COALESCE((SELECT directory_tenant()), id), false) IS NOT NULL);

-- Behind a policy the server uses an index only for conditions that cannot tell a row's values to anybody, and for all it
-- knows lower() could: the index on lower(email) would be passed over, and each look-up would read the whole tenant. So
-- the folded address becomes a column. Adding it writes the table anew, and keeps its users waiting for as long.
--
-- A program of the version before still finds users by address, by reading all of a tenant's for each: let it execute no
-- runs beside this version.
ALTER TABLE users ADD COLUMN email_key text COLLATE "C" NOT NULL GENERATED ALWAYS AS (lower(email COLLATE "C")) STORED;
DROP INDEX users_email;
CREATE UNIQUE INDEX users_email ON users (tenant_id, email_key);
