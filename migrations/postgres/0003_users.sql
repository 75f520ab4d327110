-- The product's users. The product and its other services read and write this table with plain SQL, hence the
-- defaults, the checks and the trigger: what sync relies on holds whoever writes.

CREATE TABLE users (
    -- Not a foreign key: checking it for each row takes longer than all the rest of creating a user, and a row of an
    -- unknown tenant is one that nobody reads.
    tenant_id          uuid        NOT NULL,
    id                 uuid        NOT NULL DEFAULT gen_random_uuid(),
    email              text        NOT NULL,
    display_name       text        NOT NULL DEFAULT '',
    given_name         text,
    family_name        text,
    role               text        NOT NULL DEFAULT 'member',
    status             text        NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'inactive')),
    -- No foreign keys either: users outlive their connection, and the runs that changed them.
    connection_id      uuid,
    external_id        text        CHECK (external_id <> ''),
    deactivated_by     text        CHECK (deactivated_by IN ('directory_disabled', 'directory_absent', 'admin')),
    deactivated_run_id uuid,
    deactivated_at     timestamptz,
    -- Moves with every write, so that sync notices when a user is no longer the one that its plan saw.
    version            bigint      NOT NULL DEFAULT 1,
    created_at         timestamptz NOT NULL DEFAULT now(),
    updated_at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT users_link CHECK ((connection_id IS NULL) = (external_id IS NULL))
);

-- The "C" collation folds ASCII letters and no others, whatever the database's locale, as sync compares addresses.
CREATE UNIQUE INDEX users_email ON users (tenant_id, lower(email COLLATE "C"));

-- Also the order in which sync walks the linked users; "C" compares bytes, which is the cheapest total order.
CREATE UNIQUE INDEX users_external ON users (tenant_id, connection_id, external_id COLLATE "C")
    WHERE connection_id IS NOT NULL;

CREATE FUNCTION users_note_write() RETURNS trigger
    LANGUAGE plpgsql AS
$$
BEGIN
    IF NEW.version = OLD.version THEN
        NEW.version := OLD.version + 1;
        NEW.updated_at := now();
    END IF;
    IF NEW.status = 'active' THEN
        NEW.deactivated_by := NULL;
        NEW.deactivated_run_id := NULL;
        NEW.deactivated_at := NULL;
    END IF;
    RETURN NEW;
END
$$;

-- Sync's own statements move the version and clear the deactivation themselves; the condition spares them the call.
CREATE TRIGGER users_note_write
    BEFORE UPDATE ON users
    FOR EACH ROW
    WHEN (NEW.version = OLD.version
        OR (NEW.status = 'active' AND (NEW.deactivated_by IS NOT NULL OR NEW.deactivated_run_id IS NOT NULL
            OR NEW.deactivated_at IS NOT NULL)))
EXECUTE FUNCTION users_note_write();
