-- Where a tenant's events are sent. A program of the version before sends nothing, and loses nothing: the feed waits.

CREATE TABLE webhooks (
    tenant_id    TEXT NOT NULL REFERENCES tenants (id),
    -- Time-ordered.
    id           TEXT NOT NULL,
    url          TEXT NOT NULL,
    description  TEXT,
    -- The words of the kinds of events that it wants; null is all.
    kinds        TEXT CHECK (json_valid(kinds)),
    state        TEXT NOT NULL DEFAULT 'enabled' CHECK (state IN ('enabled', 'disabled')),
    state_reason TEXT,
    -- The event up to which the feed was handed on.
    cursor       TEXT NOT NULL,
    -- The entry of the feed that was the newest when everything was handed on; null where something is left.
    caught_up_at TEXT,
    -- Who sends to it now. Whoever notes what came of it has this token.
    lease_token  TEXT,
    lease_until  TEXT,
    -- When it was last taken, so that each has its turn.
    leased_at    TEXT,
    created_at   TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updated_at   TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    PRIMARY KEY (tenant_id, id)
) STRICT;

-- What messages are signed with: the newest, and the one before it for a while.
CREATE TABLE webhook_secrets (
    tenant_id  TEXT NOT NULL,
    -- Time-ordered.
    id         TEXT NOT NULL,
    webhook_id TEXT NOT NULL,
    sealed     BLOB NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    -- From when on it signs no more; null of the newest.
    ends_at    TEXT,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, webhook_id) REFERENCES webhooks (tenant_id, id) ON DELETE CASCADE
) STRICT;

CREATE UNIQUE INDEX webhook_secrets_newest ON webhook_secrets (tenant_id, webhook_id) WHERE ends_at IS NULL;
CREATE INDEX webhook_secrets_webhook ON webhook_secrets (tenant_id, webhook_id);

-- Messages that failed at least once. What they say is made of the feed each time, so nothing of a person is here.
CREATE TABLE webhook_deliveries (
    tenant_id       TEXT    NOT NULL,
    -- Time-ordered.
    id              TEXT    NOT NULL,
    webhook_id      TEXT    NOT NULL,
    event_id        TEXT    NOT NULL,
    -- The event comes first of its kind after this one.
    after_event     TEXT    NOT NULL,
    -- Not checked: a newer program may have more of them.
    kind            TEXT    NOT NULL,
    state           TEXT    NOT NULL CHECK (state IN ('pending', 'dead')),
    attempts        INTEGER NOT NULL,
    next_attempt_at TEXT,
    last_status     INTEGER,
    last_code       TEXT    NOT NULL,
    created_at      TEXT    NOT NULL,
    failed_at       TEXT    NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT webhook_deliveries_event UNIQUE (tenant_id, webhook_id, event_id),
    CONSTRAINT webhook_deliveries_next CHECK ((state = 'pending') = (next_attempt_at IS NOT NULL)),
    FOREIGN KEY (tenant_id, webhook_id) REFERENCES webhooks (tenant_id, id) ON DELETE CASCADE
) STRICT;

CREATE INDEX webhook_deliveries_due ON webhook_deliveries (tenant_id, webhook_id, next_attempt_at) WHERE state = 'pending';
-- What is old.
CREATE INDEX webhook_deliveries_age ON webhook_deliveries (failed_at) WHERE state = 'dead';
