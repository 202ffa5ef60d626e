"""What the shop's services share: one module a subject, and no module knows a service."""
