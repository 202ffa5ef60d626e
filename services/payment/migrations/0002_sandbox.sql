-- The books of the sandbox provider. A real provider keeps its own, at its own place; these stand for them, so that
-- all replicas share one sandbox and "charged once" can be counted.
CREATE TABLE sandbox_charges (
    key          text PRIMARY KEY,
    reference    text NOT NULL UNIQUE,
    amount_cents bigint NOT NULL,
    currency     text NOT NULL,
    approved     boolean NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE sandbox_refunds (
    reference  text PRIMARY KEY REFERENCES sandbox_charges (reference),
    created_at timestamptz NOT NULL DEFAULT now()
);
