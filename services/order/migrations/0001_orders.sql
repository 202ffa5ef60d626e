-- How many orders are stored, as against acknowledged to customers:
--   SELECT count(*) FROM orders WHERE status = 'paid';
-- and a digest of which ones (the traffic generator prints the same of those acknowledged to it):
--   SELECT encode(sha256(convert_to(coalesce(string_agg(id::text, E'\n' ORDER BY id), ''), 'UTF8')), 'hex')
--   FROM orders WHERE status = 'paid';
CREATE TABLE orders (
    id              uuid PRIMARY KEY,
    customer_id     uuid NOT NULL,
    idempotency_key text NOT NULL,
    request_digest  bytea NOT NULL, -- of what was asked for: the same key must mean the same request
    status          text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'paid', 'declined')),
    total_cents     bigint NOT NULL CHECK (total_cents > 0),
    currency        text NOT NULL,
    payment_id      uuid,
    created_at      timestamptz NOT NULL DEFAULT now(),
    changed_at      timestamptz NOT NULL DEFAULT now(),
    CHECK (status <> 'paid' OR payment_id IS NOT NULL)
);
-- One order a customer's key, whatever arrives at the same time; also what a repeated request looks up.
CREATE UNIQUE INDEX orders_idempotency_key ON orders (customer_id, idempotency_key);
-- A customer's orders, newest first, from any position on.
CREATE INDEX orders_of_customer ON orders (customer_id, created_at DESC, id DESC);

CREATE TABLE order_items (
    order_id         uuid NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    position         integer NOT NULL,
    product_id       bigint NOT NULL,
    name             text NOT NULL, -- name and price as they were when ordered
    unit_price_cents bigint NOT NULL CHECK (unit_price_cents > 0),
    quantity         integer NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (order_id, position)
);
