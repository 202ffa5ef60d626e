"""Customers: they come to the shop, sign up, look around, order and pay, whatever the shop does."""
