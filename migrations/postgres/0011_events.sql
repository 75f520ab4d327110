-- The feed of what changed, for other services. Triggers write it, in the transaction of the change, whoever makes it: a
-- program of the version before fills it as well.

-- A number is allotted before its transaction commits, so a greater one can be there earlier. Whoever takes one says so with
-- locks that last as long as the transaction and keep nobody waiting: first with one that all writers share, then with one of
-- the number's own. A reader looks at them and goes no further than the smallest number that is still to come. The locks are
-- of the database, so other transactions do not matter, however long they take.
CREATE SEQUENCE events_n;

CREATE FUNCTION directory_event_lock(n bigint) RETURNS bigint
    LANGUAGE sql IMMUTABLE AS
$$
SELECT (x'64697200'::bigint << 32) + n
$$;

CREATE FUNCTION directory_next_event() RETURNS bigint
    LANGUAGE plpgsql AS
$$
DECLARE
    allotted bigint;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(directory_event_lock(0));
    allotted := nextval('events_n');
    PERFORM pg_advisory_xact_lock_shared(directory_event_lock(allotted));
    RETURN allotted;
END
$$;

-- What is told from here on has greater numbers, for whoever looks at the table in a later statement. (A lock goes only after
-- its transaction's rows have come; and who has no lock when they are looked at takes a number after the newest.)
CREATE FUNCTION directory_settled_events() RETURNS bigint
    LANGUAGE plpgsql AS
$$
DECLARE
    newest  bigint;
    writing bigint;
BEGIN
    SELECT CASE WHEN is_called THEN last_value ELSE 0 END INTO newest FROM events_n;
    FOR attempt IN 1 .. 100 LOOP
        SELECT min(began) INTO writing FROM (
            SELECT COALESCE(min(n) FILTER (WHERE n > 0), 0) AS began
            FROM (
                SELECT virtualtransaction, ((classid::bigint << 32) | objid::bigint) - directory_event_lock(0) AS n
                FROM pg_locks
                WHERE locktype = 'advisory' AND objsubid = 1 AND (classid::bigint >> 8) = x'646972'::bigint
                    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            ) AS locks
            GROUP BY virtualtransaction
        ) AS writers;
        EXIT WHEN writing IS NULL OR writing > 0;
        -- Somebody is between the two locks.
        PERFORM pg_sleep(0.001);
    END LOOP;
    RETURN LEAST(newest, writing - 1);
END
$$;

-- One row for each batch that was applied: the users that it changed are told from sync_changes, which is why those are
-- kept for as long. And one for whatever else happens.
CREATE TABLE events (
    tenant_id     uuid        NOT NULL REFERENCES tenants (id),
    -- The order.
    n             bigint      NOT NULL DEFAULT directory_next_event(),
    id            uuid        NOT NULL DEFAULT gen_random_uuid(),
    at            timestamptz NOT NULL DEFAULT now(),
    -- 'users' of a batch, else the event's own. Not checked: a newer program may have more of them.
    kind          text        NOT NULL,
    -- No foreign keys: the feed outlives the connection.
    connection_id uuid        NOT NULL,
    run_id        uuid,
    -- Of a batch: how far the run was before (null: nowhere, so the entangled changes are in it), how far after, and how
    -- many changes it applied.
    began_after   bigint,
    through       bigint,
    changes       bigint,
    -- Of any other.
    data          jsonb,
    PRIMARY KEY (tenant_id, n),
    CONSTRAINT events_id UNIQUE (tenant_id, id),
    CONSTRAINT events_batch CHECK (kind <> 'users'
        OR (run_id IS NOT NULL AND through IS NOT NULL AND changes IS NOT NULL)),
    CONSTRAINT events_data CHECK (kind = 'users' OR data IS NOT NULL)
);

-- What is old.
CREATE INDEX events_age ON events (at);

-- Whose changes are needed still.
CREATE INDEX events_batches ON events (tenant_id, run_id) WHERE kind = 'users';

-- As of every table of a tenant's.
ALTER TABLE events ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON events
    USING (NULLIF(tenant_id = COALESCE((SELECT directory_tenant()), tenant_id), false) IS NOT NULL);

-- The last event that was deleted for its age: whoever read on after an earlier one has missed some.
ALTER TABLE tenants ADD COLUMN events_deleted_through uuid;

CREATE FUNCTION sync_runs_note_events() RETURNS trigger
    LANGUAGE plpgsql AS
$$
DECLARE
    facts jsonb;
BEGIN
    IF NEW.applied_changes > OLD.applied_changes THEN
        INSERT INTO events (tenant_id, kind, connection_id, run_id, began_after, through, changes)
        VALUES (NEW.tenant_id, 'users', NEW.connection_id, NEW.id, OLD.applied_through, NEW.applied_through,
            NEW.applied_changes - OLD.applied_changes);
    END IF;
    facts := jsonb_build_object('status', NEW.status, 'mode', NEW.mode, 'trigger', NEW.trigger, 'dryRun', NEW.dry_run,
        'counts', jsonb_build_object('seen', NEW.seen, 'created', NEW.created, 'updated', NEW.updated, 'linked', NEW.linked,
            'deactivated', NEW.deactivated, 'reactivated', NEW.reactivated, 'unchanged', NEW.unchanged,
            'excluded', NEW.excluded, 'protected', NEW.protected, 'conflicts', NEW.conflicts),
        'hold', NEW.hold, 'error', NEW.error);
    IF NEW.status = 'held' AND OLD.status <> 'held' THEN
        INSERT INTO events (tenant_id, kind, connection_id, run_id, data)
        VALUES (NEW.tenant_id, 'run.held', NEW.connection_id, NEW.id, facts);
    END IF;
    IF NEW.finished_at IS NOT NULL AND OLD.finished_at IS NULL THEN
        INSERT INTO events (tenant_id, kind, connection_id, run_id, data)
        VALUES (NEW.tenant_id, 'run.finished', NEW.connection_id, NEW.id, facts);
    END IF;
    RETURN NULL;
END
$$;

-- Heartbeats and claims are spared the call.
CREATE TRIGGER sync_runs_note_events
    AFTER UPDATE ON sync_runs
    FOR EACH ROW
    WHEN (NEW.applied_changes > OLD.applied_changes OR (NEW.status = 'held' AND OLD.status <> 'held')
        OR (NEW.finished_at IS NOT NULL AND OLD.finished_at IS NULL))
EXECUTE FUNCTION sync_runs_note_events();

CREATE FUNCTION connections_note_events() RETURNS trigger
    LANGUAGE plpgsql AS
$$
BEGIN
    INSERT INTO events (tenant_id, kind, connection_id, data)
    VALUES (NEW.tenant_id, 'connection.quarantined', NEW.id, jsonb_build_object('reason', NEW.state_reason));
    RETURN NULL;
END
$$;

CREATE TRIGGER connections_note_events
    AFTER UPDATE ON connections
    FOR EACH ROW
    WHEN (NEW.state = 'quarantined' AND (OLD.state <> 'quarantined' OR NEW.state_reason IS DISTINCT FROM OLD.state_reason))
EXECUTE FUNCTION connections_note_events();
