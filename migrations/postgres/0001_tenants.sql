-- Tenants, and the tokens that open them. Every other table's primary key leads with the tenant, so that the tables
-- can be distributed by it.

CREATE TABLE tenants (
    id         uuid        PRIMARY KEY,
    slug       text        NOT NULL,
    name       text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT tenants_slug UNIQUE (slug)
);

CREATE TABLE api_tokens (
    tenant_id  uuid        NOT NULL REFERENCES tenants (id),
    id         uuid        NOT NULL,
    name       text        NOT NULL,
    role       text        NOT NULL CHECK (role IN ('admin', 'viewer')),
    -- SHA-256 of the token. The token itself is stored nowhere.
    hash       bytea       NOT NULL CHECK (octet_length(hash) = 32),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    -- The one look-up that does not know its tenant yet.
    CONSTRAINT api_tokens_hash UNIQUE (hash)
);
