-- Whose turn it is to be sent to. A program of the version before looks at every webhook instead, and whatever it makes or leaves behind
-- is found with the tenant's next event.

-- One row for each tenant that has, or had, a webhook. Whoever makes something to send for it sets the time, and whoever looks and finds
-- nothing puts it off.
CREATE TABLE webhook_turns (
    tenant_id TEXT NOT NULL PRIMARY KEY REFERENCES tenants (id),
    -- From when on it is the tenant's turn; who has waited longest comes first. Null: there is nothing to send.
    due_at    TEXT
) STRICT;

CREATE INDEX webhook_turns_due ON webhook_turns (due_at, tenant_id) WHERE due_at IS NOT NULL;

-- Each has one look.
INSERT INTO webhook_turns (tenant_id, due_at) SELECT DISTINCT tenant_id, '1970-01-01T00:00:00.000Z' FROM webhooks;

-- How far the feed has given tenants their turn. Whoever sends moves it on.
CREATE TABLE webhook_feed (
    one  INTEGER NOT NULL PRIMARY KEY DEFAULT 1 CHECK (one = 1),
    -- The number of the last event.
    seen INTEGER NOT NULL
) STRICT;

-- What is there already is seen in that one look.
INSERT INTO webhook_feed (seen) SELECT COALESCE(max(n), 0) FROM events;
