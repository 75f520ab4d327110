-- Whose turn it is to be sent to. A program of the version before looks at every webhook instead, and whatever it makes or leaves behind
-- is found with the tenant's next event. Making the index keeps writers of events waiting for as long as reading them once takes.

-- One row for each tenant that has, or had, a webhook. Whoever makes something to send for it sets the time, and whoever looks and finds
-- nothing puts it off, in that row's lock: so neither misses the other.
CREATE TABLE webhook_turns (
    tenant_id uuid        NOT NULL PRIMARY KEY REFERENCES tenants (id),
    -- From when on it is the tenant's turn; who has waited longest comes first. Null: there is nothing to send.
    due_at    timestamptz
);

CREATE INDEX webhook_turns_due ON webhook_turns (due_at, tenant_id) WHERE due_at IS NOT NULL;

-- Each has one look.
INSERT INTO webhook_turns (tenant_id, due_at) SELECT DISTINCT tenant_id, 'epoch'::timestamptz FROM webhooks;

-- How far the feed has given tenants their turn. Whoever sends moves it on: did the writers of events themselves, they would wait for each
-- other.
CREATE TABLE webhook_feed (
    one  boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (one),
    -- The number of the last event.
    seen bigint  NOT NULL
);

-- What is there already is seen in that one look.
INSERT INTO webhook_feed (seen) SELECT directory_settled_events();

-- The feed of all tenants.
CREATE INDEX events_of_all ON events (n);

-- As of every table of a tenant's.
ALTER TABLE webhook_turns ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON webhook_turns
    USING (NULLIF(tenant_id = COALESCE((SELECT directory_tenant()), tenant_id), false) IS NOT NULL);
