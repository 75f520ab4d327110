-- A tenant's ties to directories.

CREATE TABLE connections (
    tenant_id             TEXT NOT NULL REFERENCES tenants (id),
    id                    TEXT NOT NULL,
    provider              TEXT NOT NULL,
    display_name          TEXT NOT NULL,
    directory_id          TEXT NOT NULL,
    client_id             TEXT NOT NULL,
    group_id              TEXT,
    cloud                 TEXT NOT NULL,
    default_role          TEXT NOT NULL,
    policy                TEXT NOT NULL CHECK (json_valid(policy)),
    schedule              TEXT,
    state                 TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused', 'quarantined')),
    state_reason          TEXT,
    -- Sealed before it gets here, and bound to this row: copied into another one it does not open.
    sealed_credential     BLOB NOT NULL,
    credential_updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    credential_expires_at TEXT,
    created_at            TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updated_at            TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    PRIMARY KEY (tenant_id, id)
) STRICT;
