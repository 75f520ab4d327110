-- A tenant's ties to directories.

CREATE TABLE connections (
    tenant_id             uuid        NOT NULL REFERENCES tenants (id),
    id                    uuid        NOT NULL,
    provider              text        NOT NULL,
    display_name          text        NOT NULL,
    directory_id          text        NOT NULL,
    client_id             text        NOT NULL,
    group_id              text,
    cloud                 text        NOT NULL,
    default_role          text        NOT NULL,
    policy                jsonb       NOT NULL,
    schedule              text,
    state                 text        NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused', 'quarantined')),
    state_reason          text,
    -- Sealed before it gets here, and bound to this row: copied into another one it does not open.
    sealed_credential     bytea       NOT NULL,
    credential_updated_at timestamptz NOT NULL DEFAULT now(),
    credential_expires_at timestamptz,
    created_at            timestamptz NOT NULL DEFAULT now(),
    updated_at            timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
