-- Fair and limited claims. A program of the version before goes on working; it claims without limits.

-- What is running, of all tenants: a few rows, read with each claim. Also those whose worker has died, oldest first.
CREATE INDEX sync_runs_running ON sync_runs (created_at, id) WHERE status = 'running';

-- A tenant's oldest run in the queue, without reading the others'.
CREATE INDEX sync_runs_waiting ON sync_runs (tenant_id, created_at, id) WHERE status = 'queued';

-- The connections of a directory, of all tenants.
CREATE INDEX connections_directory ON connections (provider, directory_id);
