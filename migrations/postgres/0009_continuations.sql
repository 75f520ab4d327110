-- From where a directory tells what changed, so that a run need not read all of it. A program of the version before goes on
-- reading all of it; what this version left for the next run then tells some changes twice, which does no harm.

ALTER TABLE sync_runs
    -- Why the directory was read as it was. Not checked: a newer program may have more reasons.
    ADD COLUMN mode_reason        text,
    -- While the plan is applied: what becomes the connection's with its end.
    ADD COLUMN continuation       bytea,
    ADD COLUMN continuation_scope text;

-- A row without a sealed value says since when there is none.
CREATE TABLE continuations (
    tenant_id     uuid NOT NULL,
    connection_id uuid NOT NULL,
    run_id        uuid,
    sealed        bytea,
    scope         text,
    reconciled_at timestamptz,
    dropped_at    timestamptz,
    PRIMARY KEY (tenant_id, connection_id),
    FOREIGN KEY (tenant_id, connection_id) REFERENCES connections (tenant_id, id) ON DELETE CASCADE,
    CHECK ((sealed IS NULL) = (run_id IS NULL)),
    CHECK ((sealed IS NULL) = (scope IS NULL)),
    CHECK ((sealed IS NULL) = (reconciled_at IS NULL)),
    CHECK ((sealed IS NULL) = (dropped_at IS NOT NULL))
);

-- As of every table of a tenant's.
ALTER TABLE continuations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON continuations
    USING (NULLIF(tenant_id = COALESCE((SELECT directory_tenant()), tenant_id), false) IS NOT NULL);
