-- Who administrated what, and when; and when a token was last used. There is no migration 7 here: both databases count
-- alike, and that one is PostgreSQL's alone. A program of the version before goes on working; what is done with it is not
-- in the log.

-- To about a minute.
ALTER TABLE api_tokens ADD COLUMN last_used_at TEXT;

-- Written in the transaction of the change. Entries are kept for ever, and outlive what they are about. Actions and kinds
-- of subjects are not checked: a newer program may have more of them.
CREATE TABLE audit_entries (
    tenant_id    TEXT NOT NULL REFERENCES tenants (id),
    -- Time-ordered.
    id           TEXT NOT NULL,
    at           TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    actor_kind   TEXT NOT NULL CHECK (actor_kind IN ('token', 'person', 'operator', 'system')),
    actor_id     TEXT,
    actor_name   TEXT,
    request_id   TEXT,
    action       TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id   TEXT NOT NULL,
    before       TEXT CHECK (json_valid(before)),
    after        TEXT CHECK (json_valid(after)),
    PRIMARY KEY (tenant_id, id)
) STRICT;

CREATE INDEX audit_entries_subject ON audit_entries (tenant_id, subject_id, id);
CREATE INDEX audit_entries_actor ON audit_entries (tenant_id, actor_id, id);
CREATE INDEX audit_entries_action ON audit_entries (tenant_id, action, id);

-- What is written stays as it is. Old entries can be deleted by hand, which no program of ours does.
CREATE TRIGGER audit_entries_stay
    BEFORE UPDATE ON audit_entries
BEGIN
    SELECT RAISE(ABORT, 'an entry of the audit log cannot be changed');
END;
