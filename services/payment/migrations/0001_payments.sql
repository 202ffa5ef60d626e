CREATE TABLE payments (
    id                 uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    idempotency_key    text NOT NULL,
    request_digest     bytea NOT NULL, -- of what was asked for: the same key must mean the same request
    order_id           uuid NOT NULL,
    amount_cents       bigint NOT NULL CHECK (amount_cents > 0),
    currency           text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    status             text NOT NULL DEFAULT 'processing'
                       CHECK (status IN ('processing', 'captured', 'declined', 'refunded')),
    provider           text NOT NULL,
    provider_reference text,
    decline_reason     text,
    created_at         timestamptz NOT NULL DEFAULT now(),
    changed_at         timestamptz NOT NULL DEFAULT now(),
    CHECK (status NOT IN ('captured', 'refunded') OR provider_reference IS NOT NULL)
);
-- One payment a key, whatever arrives at the same time; also what a repeated request looks up.
CREATE UNIQUE INDEX payments_idempotency_key ON payments (idempotency_key);
