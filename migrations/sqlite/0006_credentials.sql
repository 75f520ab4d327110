-- Other credentials than client secrets. A program of the version before takes every credential for a client secret; one
-- of another kind is sealed for that kind and does not open as one.

ALTER TABLE connections ADD COLUMN credential_kind TEXT NOT NULL DEFAULT 'client_secret'
    CHECK (credential_kind IN ('client_secret', 'certificate', 'federated_token'));
