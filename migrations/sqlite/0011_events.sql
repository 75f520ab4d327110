-- The feed of what changed, for other services. Triggers write it, in the transaction of the change, whoever makes it: a
-- program of the version before fills it as well.

-- One row for each batch that was applied: the users that it changed are told from sync_changes, which is why those are
-- kept for as long. And one for whatever else happens.
CREATE TABLE events (
    -- The order. One transaction writes at a time, so what is committed later has a greater one; none is used twice.
    n             INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant_id     TEXT    NOT NULL REFERENCES tenants (id),
    -- A version 4 UUID.
    id            TEXT    NOT NULL DEFAULT (lower(
        hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' ||
        substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))
    )),
    at            TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    -- 'users' of a batch, else the event's own. Not checked: a newer program may have more of them.
    kind          TEXT    NOT NULL,
    -- No foreign keys: the feed outlives the connection.
    connection_id TEXT    NOT NULL,
    run_id        TEXT,
    -- Of a batch: how far the run was before (null: nowhere, so the entangled changes are in it), how far after, and how
    -- many changes it applied.
    began_after   INTEGER,
    through       INTEGER,
    changes       INTEGER,
    -- Of any other.
    data          TEXT    CHECK (json_valid(data)),
    CONSTRAINT events_id UNIQUE (tenant_id, id),
    CONSTRAINT events_batch CHECK (kind <> 'users'
        OR (run_id IS NOT NULL AND through IS NOT NULL AND changes IS NOT NULL)),
    CONSTRAINT events_data CHECK (kind = 'users' OR data IS NOT NULL)
) STRICT;

CREATE INDEX events_order ON events (tenant_id, n);

-- What is old.
CREATE INDEX events_age ON events (at);

-- Whose changes are needed still.
CREATE INDEX events_batches ON events (tenant_id, run_id) WHERE kind = 'users';

-- The last event that was deleted for its age: whoever read on after an earlier one has missed some.
ALTER TABLE tenants ADD COLUMN events_deleted_through TEXT;

CREATE TRIGGER sync_runs_note_users
    AFTER UPDATE ON sync_runs
    FOR EACH ROW
    WHEN NEW.applied_changes > OLD.applied_changes
BEGIN
    INSERT INTO events (tenant_id, kind, connection_id, run_id, began_after, through, changes)
    VALUES (NEW.tenant_id, 'users', NEW.connection_id, NEW.id, OLD.applied_through, NEW.applied_through,
        NEW.applied_changes - OLD.applied_changes);
END;

-- A run is not held and ended at once.
CREATE TRIGGER sync_runs_note_events
    AFTER UPDATE ON sync_runs
    FOR EACH ROW
    WHEN (NEW.status = 'held' AND OLD.status <> 'held') OR (NEW.finished_at IS NOT NULL AND OLD.finished_at IS NULL)
BEGIN
    INSERT INTO events (tenant_id, kind, connection_id, run_id, data)
    VALUES (NEW.tenant_id, iif(NEW.finished_at IS NULL, 'run.held', 'run.finished'), NEW.connection_id, NEW.id,
        json_object('status', NEW.status, 'mode', NEW.mode, 'trigger', NEW."trigger",
            'dryRun', json(iif(NEW.dry_run, 'true', 'false')),
            'counts', json_object('seen', NEW.seen, 'created', NEW.created, 'updated', NEW.updated, 'linked', NEW.linked,
                'deactivated', NEW.deactivated, 'reactivated', NEW.reactivated, 'unchanged', NEW.unchanged,
                'excluded', NEW.excluded, 'protected', NEW.protected, 'conflicts', NEW.conflicts),
            'hold', json(NEW.hold), 'error', json(NEW.error)));
END;

CREATE TRIGGER connections_note_events
    AFTER UPDATE ON connections
    FOR EACH ROW
    WHEN NEW.state = 'quarantined' AND (OLD.state <> 'quarantined' OR NEW.state_reason IS NOT OLD.state_reason)
BEGIN
    INSERT INTO events (tenant_id, kind, connection_id, data)
    VALUES (NEW.tenant_id, 'connection.quarantined', NEW.id, json_object('reason', NEW.state_reason));
END;
