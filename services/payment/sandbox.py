"""The provider that is shipped: a sandbox that moves no money and keeps its books in the payment database.

Cards: ``tok_ok`` is charged, ``tok_declined`` is declined, ``tok_slow`` is charged at once and answered late:
longer than callers wait, which is the case that loses or doubles charges where idempotency is missing.
"""

import asyncio
from uuid import uuid4

import structlog

from payment.provider import Approved, Charge, Declined, ProviderError
from shop.database import Connection, Database

log = structlog.get_logger()

CARDS = ("tok_ok", "tok_declined", "tok_slow")


class Sandbox:
    """See the module. ``slow_seconds`` is how late tok_slow is answered."""

    name = "sandbox"
    sandbox = True

    def __init__(self, database: Database, slow_seconds: float) -> None:
        self._database, self._slow_seconds = database, slow_seconds

    async def open(self) -> None:
        """Says in the log what this is."""
        log.warning("payment provider", provider=self.name, note="a sandbox: no money moves")

    async def close(self) -> None:
        """Nothing to close; the books are in the database."""

    async def charge(self, charge: Charge) -> Approved | Declined:
        """See :class:`payment.provider.Provider`."""
        if charge.card_token not in CARDS:
            return Declined(f"the sandbox knows no such card; it has {', '.join(CARDS)}")

        async def enter(connection: Connection) -> tuple[str, bool, bool]:
            reference, approved = f"sandbox-{uuid4()}", charge.card_token != "tok_declined"
            new = await connection.fetchval(
                "INSERT INTO sandbox_charges (key, reference, amount_cents, currency, approved)"
                " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (key) DO NOTHING RETURNING true",
                charge.key, reference, charge.amount_cents, charge.currency, approved,
            )  # fmt: skip
            if new:
                return reference, approved, True
            row = await connection.fetchrow(
                "SELECT reference, approved FROM sandbox_charges WHERE key = $1", charge.key
            )
            assert row is not None, "charges are never deleted"
            return row["reference"], row["approved"], False

        reference, approved, new = await self._database.primary(enter, repeatable=True)
        if new and charge.card_token == "tok_slow":
            await asyncio.sleep(self._slow_seconds)
        return Approved(reference) if approved else Declined("the card was declined")

    async def refund(self, reference: str) -> None:
        """See :class:`payment.provider.Provider`."""

        async def enter(connection: Connection) -> bool:
            await connection.execute(
                "INSERT INTO sandbox_refunds (reference) SELECT reference FROM sandbox_charges"
                " WHERE reference = $1 AND approved ON CONFLICT DO NOTHING",
                reference,
            )
            return bool(await connection.fetchval("SELECT true FROM sandbox_refunds WHERE reference = $1", reference))

        if not await self._database.primary(enter, repeatable=True):
            raise ProviderError(f"there is no charge {reference}")
