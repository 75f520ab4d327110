-- Schedules are followed; quarantined connections are tried again; directories that ask to be left alone are. A program of
-- the version before goes on working: what it leaves without a next time is given one.

ALTER TABLE connections
    -- When it synchronises next by itself; null while it is paused or synchronised by hand.
    ADD COLUMN next_sync_at   timestamptz,
    -- The times at which a quarantined connection is tried again count from here.
    ADD COLUMN quarantined_at timestamptz,
    -- Runs in a row that failed of what passes by itself.
    ADD COLUMN setbacks       integer NOT NULL DEFAULT 0;

UPDATE connections SET quarantined_at = updated_at WHERE state = 'quarantined';

-- Who is due, over all tenants.
CREATE INDEX connections_due ON connections (next_sync_at, tenant_id, id) WHERE next_sync_at IS NOT NULL;

-- Directories that asked to be left alone, by whoever of the tenant's runs heard it. Not for all tenants at once: what one
-- provokes must not stop another.
CREATE TABLE directory_pauses (
    tenant_id    uuid        NOT NULL REFERENCES tenants (id),
    provider     text        NOT NULL,
    cloud        text        NOT NULL,
    directory_id text        NOT NULL,
    -- No run that would read the directory is handed out before.
    not_before   timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, provider, cloud, directory_id)
);

ALTER TABLE directory_pauses ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON directory_pauses
    USING (NULLIF(tenant_id = COALESCE((SELECT directory_tenant()), tenant_id), false) IS NOT NULL);
