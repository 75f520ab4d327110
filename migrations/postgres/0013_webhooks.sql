-- Where a tenant's events are sent. A program of the version before sends nothing, and loses nothing: the feed waits.

CREATE TABLE webhooks (
    tenant_id    uuid        NOT NULL REFERENCES tenants (id),
    -- Time-ordered.
    id           uuid        NOT NULL,
    url          text        NOT NULL,
    description  text,
    -- The words of the kinds of events that it wants; null is all.
    kinds        jsonb,
    state        text        NOT NULL DEFAULT 'enabled' CHECK (state IN ('enabled', 'disabled')),
    state_reason text,
    -- The event up to which the feed was handed on.
    cursor       text        NOT NULL,
    -- The entry of the feed that was the newest when everything was handed on; null where something is left.
    caught_up_at uuid,
    -- Who sends to it now. Whoever notes what came of it has this token.
    lease_token  uuid,
    lease_until  timestamptz,
    -- When it was last taken, so that each has its turn.
    leased_at    timestamptz,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);

-- What messages are signed with: the newest, and the one before it for a while.
CREATE TABLE webhook_secrets (
    tenant_id  uuid        NOT NULL,
    -- Time-ordered.
    id         uuid        NOT NULL,
    webhook_id uuid        NOT NULL,
    sealed     bytea       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- From when on it signs no more; null of the newest.
    ends_at    timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, webhook_id) REFERENCES webhooks (tenant_id, id) ON DELETE CASCADE
);

CREATE UNIQUE INDEX webhook_secrets_newest ON webhook_secrets (tenant_id, webhook_id) WHERE ends_at IS NULL;
CREATE INDEX webhook_secrets_webhook ON webhook_secrets (tenant_id, webhook_id);

-- Messages that failed at least once. What they say is made of the feed each time, so nothing of a person is here.
CREATE TABLE webhook_deliveries (
    tenant_id       uuid        NOT NULL,
    -- Time-ordered.
    id              uuid        NOT NULL,
    webhook_id      uuid        NOT NULL,
    event_id        text        NOT NULL,
    -- The event comes first of its kind after this one.
    after_event     text        NOT NULL,
    -- Not checked: a newer program may have more of them.
    kind            text        NOT NULL,
    state           text        NOT NULL CHECK (state IN ('pending', 'dead')),
    attempts        bigint      NOT NULL,
    next_attempt_at timestamptz,
    last_status     bigint,
    last_code       text        NOT NULL,
    created_at      timestamptz NOT NULL,
    failed_at       timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT webhook_deliveries_event UNIQUE (tenant_id, webhook_id, event_id),
    CONSTRAINT webhook_deliveries_next CHECK ((state = 'pending') = (next_attempt_at IS NOT NULL)),
    FOREIGN KEY (tenant_id, webhook_id) REFERENCES webhooks (tenant_id, id) ON DELETE CASCADE
);

CREATE INDEX webhook_deliveries_due ON webhook_deliveries (tenant_id, webhook_id, next_attempt_at) WHERE state = 'pending';
-- What is old.
CREATE INDEX webhook_deliveries_age ON webhook_deliveries (failed_at) WHERE state = 'dead';

-- As of every table of a tenant's.
ALTER TABLE webhooks ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON webhooks
    USING (NULLIF(tenant_id = COALESCE((SELECT directory_tenant()), tenant_id), false) IS NOT NULL);

ALTER TABLE webhook_secrets ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON webhook_secrets
    USING (NULLIF(tenant_id = COALESCE((SELECT directory_tenant()), tenant_id), false) IS NOT NULL);

ALTER TABLE webhook_deliveries ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON webhook_deliveries
    USING (NULLIF(tenant_id = COALESCE((SELECT directory_tenant()), tenant_id), false) IS NOT NULL);
