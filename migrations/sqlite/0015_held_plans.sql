-- A held plan has its time before the schedule goes on. A program of the version before goes on working: what it holds is
-- superseded when the schedule says, and after what it decides about the schedule waits for the rest of that time.

-- Until then a plan of the connection's is left to a person; null while none is held.
ALTER TABLE connections ADD COLUMN held_until TEXT;
