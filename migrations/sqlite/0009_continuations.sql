-- From where a directory tells what changed, so that a run need not read all of it. A program of the version before goes on
-- reading all of it; what this version left for the next run then tells some changes twice, which does no harm.

-- Why the directory was read as it was. Not checked: a newer program may have more reasons.
ALTER TABLE sync_runs ADD COLUMN mode_reason TEXT;
-- While the plan is applied: what becomes the connection's with its end.
ALTER TABLE sync_runs ADD COLUMN continuation BLOB;
ALTER TABLE sync_runs ADD COLUMN continuation_scope TEXT;

-- A row without a sealed value says since when there is none.
CREATE TABLE continuations (
    tenant_id     TEXT NOT NULL,
    connection_id TEXT NOT NULL,
    run_id        TEXT,
    sealed        BLOB,
    scope         TEXT,
    reconciled_at TEXT,
    dropped_at    TEXT,
    PRIMARY KEY (tenant_id, connection_id),
    FOREIGN KEY (tenant_id, connection_id) REFERENCES connections (tenant_id, id) ON DELETE CASCADE,
    CHECK ((sealed IS NULL) = (run_id IS NULL)),
    CHECK ((sealed IS NULL) = (scope IS NULL)),
    CHECK ((sealed IS NULL) = (reconciled_at IS NULL)),
    CHECK ((sealed IS NULL) = (dropped_at IS NOT NULL))
) STRICT;
