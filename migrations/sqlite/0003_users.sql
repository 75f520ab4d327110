-- The product's users. The product and its other services read and write this table with plain SQL, hence the
-- defaults, the checks and the trigger: what sync relies on holds whoever writes.

CREATE TABLE users (
    -- Not a foreign key, here as on PostgreSQL: the product may fill its table as it likes, and a row of an unknown
    -- tenant is one that nobody reads.
    tenant_id          TEXT    NOT NULL,
    -- A version 4 UUID. Ids are compared as text, so another spelling of one would be another id: hence the check.
    id                 TEXT    NOT NULL DEFAULT (lower(
        hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' ||
        substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))
    )) CHECK (length(id) = 36 AND id = lower(id)),
    email              TEXT    NOT NULL,
    display_name       TEXT    NOT NULL DEFAULT '',
    given_name         TEXT,
    family_name        TEXT,
    role               TEXT    NOT NULL DEFAULT 'member',
    status             TEXT    NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'inactive')),
    -- Neither is a foreign key: users outlive their connection, and the runs that changed them.
    connection_id      TEXT    CHECK (length(connection_id) = 36 AND connection_id = lower(connection_id)),
    external_id        TEXT    CHECK (external_id <> ''),
    deactivated_by     TEXT    CHECK (deactivated_by IN ('directory_disabled', 'directory_absent', 'admin')),
    deactivated_run_id TEXT,
    deactivated_at     TEXT    CHECK (deactivated_at IS NULL OR datetime(deactivated_at) IS NOT NULL),
    -- Moves with every write, so that sync notices when a user is no longer the one that its plan saw.
    version            INTEGER NOT NULL DEFAULT 1,
    -- Any spelling that the date functions understand: the product's writers have their own.
    created_at         TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
        CHECK (datetime(created_at) IS NOT NULL),
    updated_at         TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
        CHECK (datetime(updated_at) IS NOT NULL),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT users_link CHECK ((connection_id IS NULL) = (external_id IS NULL))
) STRICT;

-- lower() folds ASCII letters and no others, as sync compares addresses.
CREATE UNIQUE INDEX users_email ON users (tenant_id, lower(email));

-- Also the order in which sync walks the linked users: that of their bytes.
CREATE UNIQUE INDEX users_external ON users (tenant_id, connection_id, external_id) WHERE connection_id IS NOT NULL;

-- Sync's own statements move the version and clear the deactivation themselves; the condition spares them the trigger.
-- What the trigger writes does not meet its condition, so it ends even where triggers are recursive.
CREATE TRIGGER users_note_write
    AFTER UPDATE ON users
    FOR EACH ROW
    WHEN NEW.version = OLD.version
        OR (NEW.status = 'active' AND (NEW.deactivated_by IS NOT NULL OR NEW.deactivated_run_id IS NOT NULL
            OR NEW.deactivated_at IS NOT NULL))
BEGIN
    UPDATE users SET
        version = CASE WHEN NEW.version = OLD.version THEN OLD.version + 1 ELSE NEW.version END,
        updated_at = CASE WHEN NEW.version = OLD.version THEN strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
            ELSE NEW.updated_at END,
        deactivated_by = CASE WHEN NEW.status = 'active' THEN NULL ELSE NEW.deactivated_by END,
        deactivated_run_id = CASE WHEN NEW.status = 'active' THEN NULL ELSE NEW.deactivated_run_id END,
        deactivated_at = CASE WHEN NEW.status = 'active' THEN NULL ELSE NEW.deactivated_at END
    WHERE tenant_id = NEW.tenant_id AND id = NEW.id;
END;
