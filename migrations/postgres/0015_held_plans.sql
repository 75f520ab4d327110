-- A held plan has its time before the schedule goes on. A program of the version before goes on working: what it holds has
-- none, and what it decides about waits for it in vain.

-- Until then a plan of the connection's is left to a person; null while none is held.
ALTER TABLE connections ADD COLUMN held_until timestamptz;
