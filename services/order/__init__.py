"""Orders: placed once for each idempotency key, acknowledged when paid and stored."""
