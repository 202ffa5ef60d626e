CREATE TABLE products (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- also the order of the list
    sku         text NOT NULL UNIQUE,
    name        text NOT NULL,
    description text NOT NULL,
    category    text NOT NULL,
    price_cents bigint NOT NULL CHECK (price_cents > 0),
    currency    text NOT NULL DEFAULT 'EUR' CHECK (currency ~ '^[A-Z]{3}$'),
    stock       integer NOT NULL CHECK (stock >= 0),
    changed_at  timestamptz NOT NULL DEFAULT now(),
    words       tsvector NOT NULL
                GENERATED ALWAYS AS (to_tsvector('english', name || ' ' || category || ' ' || description)) STORED
);
CREATE INDEX products_words ON products USING gin (words);
