-- Sync runs, which are also the queue, and their staged changes, which are also the history.

CREATE TABLE sync_runs (
    tenant_id       uuid        NOT NULL REFERENCES tenants (id),
    id              uuid        NOT NULL,
    -- Not a foreign key: the history outlives the connection.
    connection_id   uuid        NOT NULL,
    status          text        NOT NULL CHECK (status IN ('queued', 'running', 'held', 'planned', 'succeeded',
        'completed_with_errors', 'failed', 'cancelled', 'rejected', 'superseded')),
    phase           text        CHECK (phase IN ('pulling', 'planning', 'applying')),
    mode            text        NOT NULL CHECK (mode IN ('auto', 'full', 'delta')),
    trigger         text        NOT NULL CHECK (trigger IN ('manual', 'schedule')),
    dry_run         boolean     NOT NULL DEFAULT false,
    seen            bigint      NOT NULL DEFAULT 0,
    created         bigint      NOT NULL DEFAULT 0,
    updated         bigint      NOT NULL DEFAULT 0,
    linked          bigint      NOT NULL DEFAULT 0,
    deactivated     bigint      NOT NULL DEFAULT 0,
    reactivated     bigint      NOT NULL DEFAULT 0,
    unchanged       bigint      NOT NULL DEFAULT 0,
    excluded        bigint      NOT NULL DEFAULT 0,
    protected       bigint      NOT NULL DEFAULT 0,
    conflicts       bigint      NOT NULL DEFAULT 0,
    planned_changes bigint,
    exceptions      bigint      NOT NULL DEFAULT 0,
    plan_digest     text,
    hold            jsonb       NOT NULL DEFAULT '[]',
    error           jsonb,
    -- From here on a worker that takes the run up goes on applying instead of planning afresh.
    plan_complete   boolean     NOT NULL DEFAULT false,
    -- How far applying is: null nothing, 0 the entangled changes, n every change up to that position. Marking the
    -- run instead of each change halves what applying writes.
    applied_through bigint,
    -- The worker's right to write under this run: a claim makes a new token, which fences the last holder off.
    lease_token     uuid,
    lease_until     timestamptz,
    -- Since the run last got any further; who claims it again and again in vain gives it up.
    claims          integer     NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL DEFAULT now(),
    started_at      timestamptz,
    finished_at     timestamptz,
    PRIMARY KEY (tenant_id, id)
);

-- One active run per connection, whatever the processes believe.
CREATE UNIQUE INDEX sync_runs_one_active ON sync_runs (tenant_id, connection_id) WHERE status IN ('queued', 'running');

-- Claiming: only what is active, oldest first, over all tenants.
CREATE INDEX sync_runs_queue ON sync_runs (created_at, id) WHERE status IN ('queued', 'running');

-- A connection's history, newest first.
CREATE INDEX sync_runs_history ON sync_runs (tenant_id, connection_id, id);

-- No foreign key to the run: checking it for each of a million staged rows costs more than staging them, and changes
-- are only ever written under the run's lease.
CREATE TABLE sync_changes (
    tenant_id    uuid    NOT NULL,
    run_id       uuid    NOT NULL,
    seq          bigint  NOT NULL,
    action       text    NOT NULL CHECK (action IN ('create', 'link', 'update', 'deactivate', 'reactivate', 'conflict',
        'protected')),
    -- 'applied' is never stored: it follows from the run's applied_through.
    outcome      text    NOT NULL DEFAULT 'planned' CHECK (outcome IN ('planned', 'rejected', 'stale', 'failed')),
    user_id      uuid,
    user_version bigint,
    external_id  text,
    email        text,
    before       jsonb   NOT NULL,
    after        jsonb   NOT NULL,
    code         text,
    deactivates  boolean NOT NULL,
    entangled    boolean NOT NULL DEFAULT false,
    PRIMARY KEY (tenant_id, run_id, seq)
);

-- The few changes that are applied first and together, without reading the whole plan to find them.
CREATE INDEX sync_changes_entangled ON sync_changes (tenant_id, run_id, seq) WHERE entangled;
