-- Many servers share one queue: fair and limited claims, and a word to those that wait. A program of the version before
-- goes on working; it claims without limits, so let it execute no runs beside this version where limits matter.
-- Making the indexes keeps writers of these tables waiting for as long as reading them once takes.

-- What is running, of all tenants: a few rows, read with each claim. Also those whose worker has died, oldest first.
CREATE INDEX sync_runs_running ON sync_runs (created_at, id) WHERE status = 'running';

-- A tenant's oldest run in the queue, without reading the others'.
CREATE INDEX sync_runs_waiting ON sync_runs (tenant_id, created_at, id) WHERE status = 'queued';

-- The connections of a directory, of all tenants.
CREATE INDEX connections_directory ON connections (provider, directory_id);

-- Whoever queues a run, and whichever program: idle workers of all servers hear of it once it is committed. Several in one
-- transaction are one word.
CREATE FUNCTION sync_runs_tell_queued() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('directory_queue', '');
    RETURN NULL;
END
$$;

CREATE TRIGGER sync_runs_tell_queued
    AFTER INSERT OR UPDATE OF status ON sync_runs
    FOR EACH ROW WHEN (NEW.status = 'queued')
EXECUTE FUNCTION sync_runs_tell_queued();
