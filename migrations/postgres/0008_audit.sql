-- Who administrated what, and when; and when a token was last used. A program of the version before goes on working; what
-- is done with it is not in the log.

ALTER TABLE api_tokens
    -- To about a minute.
    ADD COLUMN last_used_at timestamptz;

-- Written in the transaction of the change. Entries are kept for ever, and outlive what they are about. Actions and kinds
-- of subjects are not checked: a newer program may have more of them.
CREATE TABLE audit_entries (
    tenant_id    uuid        NOT NULL REFERENCES tenants (id),
    -- Time-ordered.
    id           uuid        NOT NULL,
    at           timestamptz NOT NULL DEFAULT now(),
    actor_kind   text        NOT NULL CHECK (actor_kind IN ('token', 'person', 'operator', 'system')),
    actor_id     text,
    actor_name   text,
    request_id   text,
    action       text        NOT NULL,
    subject_kind text        NOT NULL,
    subject_id   text        COLLATE "C" NOT NULL,
    before       jsonb,
    after        jsonb,
    PRIMARY KEY (tenant_id, id)
);

-- As of every table of a tenant's.
ALTER TABLE audit_entries ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON audit_entries
    USING (NULLIF(tenant_id = COALESCE((SELECT directory_tenant()), tenant_id), false) IS NOT NULL);

CREATE INDEX audit_entries_subject ON audit_entries (tenant_id, subject_id, id);
CREATE INDEX audit_entries_actor ON audit_entries (tenant_id, actor_id, id);
CREATE INDEX audit_entries_action ON audit_entries (tenant_id, action, id);

-- What is written stays as it is. Old entries can be deleted by hand, which no program of ours does.
CREATE FUNCTION audit_entries_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an entry of the audit log cannot be changed';
END
$$;

CREATE TRIGGER audit_entries_stay
    BEFORE UPDATE ON audit_entries
    FOR EACH ROW EXECUTE FUNCTION audit_entries_stay();
