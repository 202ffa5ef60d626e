-- Events on their way to the bus (shop/outbox.py): committed with what they tell of, removed when the bus has them.
CREATE TABLE outbox (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(), -- the event's id, however often it is sent
    topic      text NOT NULL,
    data       jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX outbox_order ON outbox (created_at, id);
