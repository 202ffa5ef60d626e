-- The keys that sign customers' tokens. They are kept here so that all replicas sign alike and a restart ends no
-- customer's session. Who reads this table can sign: it is as secret as the password hashes beside it.
CREATE TABLE signing_keys (
    id          text PRIMARY KEY,
    private_key bytea NOT NULL,
    signs       boolean NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);
-- Any number of keys verify; exactly one signs.
CREATE UNIQUE INDEX signing_keys_signs ON signing_keys (signs) WHERE signs;
