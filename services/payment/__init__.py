"""Payments: charged once for each idempotency key, through a provider."""
