"""The ConsumerApp operator: observe → plan → apply → status, with the pure part in the middle."""

__version__ = "0.1.0"
