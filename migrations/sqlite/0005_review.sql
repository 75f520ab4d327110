-- Reviewing, previewing and keeping runs; settling conflicts by hand; and taking a deleted connection's users up again.
-- Everything is added with a default, so that a program of the version before goes on working. It knows neither previews
-- nor ignored users, though: let it execute no runs beside this version.

-- Of a preview: group, default role and policy to plan with instead of the connection's.
ALTER TABLE sync_runs ADD COLUMN draft TEXT CHECK (json_valid(draft)) CHECK (draft IS NULL OR dry_run);

ALTER TABLE sync_runs ADD COLUMN applied_changes INTEGER NOT NULL DEFAULT 0;

-- When the run's changes were deleted for their age. The run stays.
ALTER TABLE sync_runs ADD COLUMN changes_deleted_at TEXT;

-- The runs whose changes are still to be deleted one day, oldest first.
CREATE INDEX sync_runs_expiry ON sync_runs (finished_at) WHERE finished_at IS NOT NULL AND changes_deleted_at IS NULL;

-- Who has, or gets, the address that the change wants. Read of conflicts only.
ALTER TABLE sync_changes ADD COLUMN rival_user_id TEXT;

ALTER TABLE sync_changes ADD COLUMN rival_external_id TEXT;

-- It took up the users of a deleted connection with another group, and no run has been applied since.
ALTER TABLE connections ADD COLUMN new_scope INTEGER NOT NULL DEFAULT 0 CHECK (new_scope IN (0, 1));

-- A directory user's conflicts, for settling one by hand. Few rows of a plan are in it.
CREATE INDEX sync_changes_conflicts ON sync_changes (tenant_id, external_id, run_id) WHERE action = 'conflict';

-- Deleted connections. Their users still carry the id; registering the same directory again takes it up.
CREATE TABLE former_connections (
    tenant_id     TEXT NOT NULL REFERENCES tenants (id),
    connection_id TEXT NOT NULL,
    provider      TEXT NOT NULL,
    cloud         TEXT NOT NULL,
    directory_id  TEXT NOT NULL,
    group_id      TEXT,
    deleted_at    TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    PRIMARY KEY (tenant_id, connection_id)
) STRICT;

-- Directory users whom a connection leaves alone because an administrator said so. Not a foreign key: the decision
-- outlives a connection that is deleted and registered again.
CREATE TABLE ignored_users (
    tenant_id     TEXT NOT NULL REFERENCES tenants (id),
    connection_id TEXT NOT NULL,
    external_id   TEXT NOT NULL CHECK (external_id <> ''),
    created_at    TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    PRIMARY KEY (tenant_id, connection_id, external_id)
) STRICT;
