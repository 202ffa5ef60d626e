"""Tells customers what happened: a worker that turns events into messages. The messages are a sandbox's."""
