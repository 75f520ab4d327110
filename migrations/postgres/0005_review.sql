-- Reviewing, previewing and keeping runs; settling conflicts by hand; and taking a deleted connection's users up again.
-- Everything is added with a default, so that a program of the version before goes on working. It knows neither previews
-- nor ignored users, though: let it execute no runs beside this version.

ALTER TABLE sync_runs
    -- Of a preview: group, default role and policy to plan with instead of the connection's.
    ADD COLUMN draft              jsonb  CHECK (draft IS NULL OR dry_run),
    ADD COLUMN applied_changes    bigint NOT NULL DEFAULT 0,
    -- When the run's changes were deleted for their age. The run stays.
    ADD COLUMN changes_deleted_at timestamptz;

-- The runs whose changes are still to be deleted one day, oldest first.
CREATE INDEX sync_runs_expiry ON sync_runs (finished_at) WHERE finished_at IS NOT NULL AND changes_deleted_at IS NULL;

ALTER TABLE sync_changes
    -- Who has, or gets, the address that the change wants. Read of conflicts only.
    ADD COLUMN rival_user_id     uuid,
    ADD COLUMN rival_external_id text;

ALTER TABLE connections
    -- It took up the users of a deleted connection with another group, and no run has been applied since.
    ADD COLUMN new_scope boolean NOT NULL DEFAULT false;

-- A directory user's conflicts, for settling one by hand. Few rows of a plan are in it.
-- Making it keeps writers of that table waiting for as long as reading it once takes.
CREATE INDEX sync_changes_conflicts ON sync_changes (tenant_id, external_id, run_id) WHERE action = 'conflict';

-- Deleted connections. Their users still carry the id; registering the same directory again takes it up.
CREATE TABLE former_connections (
    tenant_id     uuid        NOT NULL REFERENCES tenants (id),
    connection_id uuid        NOT NULL,
    provider      text        NOT NULL,
    cloud         text        NOT NULL,
    directory_id  text        NOT NULL,
    group_id      text,
    deleted_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, connection_id)
);

-- Directory users whom a connection leaves alone because an administrator said so. Not a foreign key: the decision
-- outlives a connection that is deleted and registered again.
CREATE TABLE ignored_users (
    tenant_id     uuid        NOT NULL REFERENCES tenants (id),
    connection_id uuid        NOT NULL,
    external_id   text        COLLATE "C" NOT NULL CHECK (external_id <> ''),
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, connection_id, external_id)
);

-- Statistics of these columns say "nobody" of a tenant, a connection or a run that came after they were taken, and then
-- every index that begins with the column looks as good as the right one. Without them the planner assumes a few rows
-- of any, and takes the index that has more of the key.
ALTER TABLE users ALTER COLUMN tenant_id SET STATISTICS 0, ALTER COLUMN connection_id SET STATISTICS 0;
ALTER TABLE sync_changes ALTER COLUMN tenant_id SET STATISTICS 0, ALTER COLUMN run_id SET STATISTICS 0;
