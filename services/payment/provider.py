"""What the payment service asks of a provider of payments.

Another provider is a class with these methods, chosen in ``application.py``.
"""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


class ProviderError(Exception):
    """The provider refused to work or answered nonsense; whether money moved is found out by asking again."""


@dataclass(frozen=True)
class Charge:
    """What to take from a customer. ``card_token`` is the provider's own word for a card; it is stored
    nowhere.
    """

    key: str
    order_id: UUID
    amount_cents: int
    currency: str
    card_token: str


@dataclass(frozen=True)
class Approved:
    """The money was taken; ``reference`` is the provider's name for it."""

    reference: str


@dataclass(frozen=True)
class Declined:
    """No money was taken, and asking again would change nothing."""

    reason: str


class Provider(Protocol):
    """A company that takes money from cards.

    Both methods are asked again, even at the same time, when an answer was lost, so they must be idempotent:
    the same key is one charge, and a reference is refunded once. The large providers all offer this.
    """

    name: str
    sandbox: bool  # True: no money moves; every answer says so

    async def charge(self, charge: Charge) -> Approved | Declined:
        """Take the money. Raises ProviderError."""
        ...

    async def refund(self, reference: str) -> None:
        """Give all of a charge back. Raises ProviderError."""
        ...
