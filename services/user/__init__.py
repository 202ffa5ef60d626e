"""Customers: sign up, log in, profile, and the keys that verify their tokens."""
