-- Sync runs, which are also the queue, and their staged changes, which are also the history.

CREATE TABLE sync_runs (
    tenant_id       TEXT    NOT NULL REFERENCES tenants (id),
    id              TEXT    NOT NULL,
    -- Not a foreign key: the history outlives the connection.
    connection_id   TEXT    NOT NULL,
    status          TEXT    NOT NULL CHECK (status IN ('queued', 'running', 'held', 'planned', 'succeeded',
        'completed_with_errors', 'failed', 'cancelled', 'rejected', 'superseded')),
    phase           TEXT    CHECK (phase IN ('pulling', 'planning', 'applying')),
    mode            TEXT    NOT NULL CHECK (mode IN ('auto', 'full', 'delta')),
    "trigger"       TEXT    NOT NULL CHECK ("trigger" IN ('manual', 'schedule')),
    dry_run         INTEGER NOT NULL DEFAULT 0 CHECK (dry_run IN (0, 1)),
    seen            INTEGER NOT NULL DEFAULT 0,
    created         INTEGER NOT NULL DEFAULT 0,
    updated         INTEGER NOT NULL DEFAULT 0,
    linked          INTEGER NOT NULL DEFAULT 0,
    deactivated     INTEGER NOT NULL DEFAULT 0,
    reactivated     INTEGER NOT NULL DEFAULT 0,
    unchanged       INTEGER NOT NULL DEFAULT 0,
    excluded        INTEGER NOT NULL DEFAULT 0,
    protected       INTEGER NOT NULL DEFAULT 0,
    conflicts       INTEGER NOT NULL DEFAULT 0,
    planned_changes INTEGER,
    exceptions      INTEGER NOT NULL DEFAULT 0,
    plan_digest     TEXT,
    hold            TEXT    NOT NULL DEFAULT '[]' CHECK (json_valid(hold)),
    error           TEXT    CHECK (json_valid(error)),
    -- From here on a worker that takes the run up goes on applying instead of planning afresh.
    plan_complete   INTEGER NOT NULL DEFAULT 0 CHECK (plan_complete IN (0, 1)),
    -- How far applying is: null nothing, 0 the entangled changes, n every change up to that position. Marking the
    -- run instead of each change halves what applying writes.
    applied_through INTEGER,
    -- The worker's right to write under this run: a claim makes a new token, which fences the last holder off.
    lease_token     TEXT,
    lease_until     TEXT,
    -- Since the run last got any further; who claims it again and again in vain gives it up.
    claims          INTEGER NOT NULL DEFAULT 0,
    created_at      TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    started_at      TEXT,
    finished_at     TEXT,
    PRIMARY KEY (tenant_id, id)
) STRICT;

-- One active run per connection, whatever the processes believe.
CREATE UNIQUE INDEX one_active_run ON sync_runs (tenant_id, connection_id) WHERE status IN ('queued', 'running');

-- Claiming: only what is active, oldest first, over all tenants.
CREATE INDEX sync_runs_queue ON sync_runs (created_at, id) WHERE status IN ('queued', 'running');

-- A connection's history, newest first.
CREATE INDEX sync_runs_history ON sync_runs (tenant_id, connection_id, id);

-- No foreign key to the run: changes are only ever written under the run's lease.
CREATE TABLE sync_changes (
    tenant_id    TEXT    NOT NULL,
    run_id       TEXT    NOT NULL,
    seq          INTEGER NOT NULL,
    action       TEXT    NOT NULL CHECK (action IN ('create', 'link', 'update', 'deactivate', 'reactivate', 'conflict',
        'protected')),
    -- 'applied' is never stored: it follows from the run's applied_through.
    outcome      TEXT    NOT NULL DEFAULT 'planned' CHECK (outcome IN ('planned', 'rejected', 'stale', 'failed')),
    user_id      TEXT,
    user_version INTEGER,
    external_id  TEXT,
    email        TEXT,
    before       TEXT    NOT NULL CHECK (json_valid(before)),
    after        TEXT    NOT NULL CHECK (json_valid(after)),
    code         TEXT,
    deactivates  INTEGER NOT NULL CHECK (deactivates IN (0, 1)),
    entangled    INTEGER NOT NULL DEFAULT 0 CHECK (entangled IN (0, 1)),
    PRIMARY KEY (tenant_id, run_id, seq)
) STRICT;
