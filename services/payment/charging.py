"""A charge from request to settled payment, once for each idempotency key.

The row is made first, in status ``processing``; then the provider is asked under the same key; then the row
is settled. Whoever comes again while it is ``processing`` (the first may have died, or still be waiting) does
the last two steps again: the provider takes the key once, and settling twice is settling once. No lock is
held meanwhile.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import orjson
import structlog

from payment import queries
from payment.models import NewPayment
from payment.provider import Approved, Charge, Provider, ProviderError
from payment.queries import Row
from shop.database import Database
from shop.problems import Problem

log = structlog.get_logger()

PROVIDER_SECONDS = 8.0


class Charging:
    """Charges and refunds with one provider. ``announce``: on the bus, too."""

    def __init__(self, database: Database, provider: Provider, *, announce: bool) -> None:
        self._database, self.provider = database, provider
        self._announce = announce

    async def charge(self, key: str, new: NewPayment) -> tuple[Row, bool]:
        """The settled payment of this key, and whether this call is the first with the key.

        Raises Problem: 422 when the key was used for something else, 502 and 504 when the provider fails; in
        both of these cases the same request resolves it later.
        """
        digest = _digest(new)
        row, first = await self._database.primary(
            lambda c: queries.begin(c, key, digest, new, self.provider.name), repeatable=True
        )
        if row.request_digest != digest:
            raise Problem(422, "key-reused", "This Idempotency-Key was used for another payment", key)
        if row.status == "processing":
            row = await self._settle(row, new)
            log.info("payment", payment=str(row.id), order=str(row.order_id), status=row.status)
        return row, first

    async def refund(self, payment_id: UUID) -> Row:
        """The refunded payment. Raises Problem 404, or 409 when there is nothing to refund."""
        row = await self._database.primary(lambda c: queries.payment(c, payment_id), repeatable=True)
        if row is None:
            raise Problem(404, "no-such-payment", "There is no such payment", str(payment_id))
        if row.status == "refunded":
            return row
        if row.status != "captured" or row.provider_reference is None:
            raise Problem(409, "not-captured", "Only a captured payment can be refunded", f"it is {row.status}")
        reference = row.provider_reference
        async with _provider_errors():
            await self.provider.refund(reference)
        row = await self._database.primary(
            lambda c: queries.settle(c, payment_id, "captured", "refunded"), repeatable=True
        )
        log.info("payment", payment=str(row.id), order=str(row.order_id), status=row.status)
        return row

    async def _settle(self, row: Row, new: NewPayment) -> Row:
        charge = Charge(
            row.idempotency_key,
            row.order_id,
            row.amount_cents,
            row.currency,
            new.card_token.get_secret_value(),
        )
        # Not the request's own deadline: the caller may have gone, and the money may have moved.
        async with _provider_errors():
            result = await self.provider.charge(charge)
        if isinstance(result, Approved):
            reference = result.reference
            return await self._database.primary(
                lambda c: queries.settle(
                    c, row.id, "processing", "captured", reference=reference, announce=self._announce
                ),
                repeatable=True,
            )
        reason = result.reason
        return await self._database.primary(
            lambda c: queries.settle(c, row.id, "processing", "declined", reason=reason), repeatable=True
        )


@asynccontextmanager
async def _provider_errors() -> AsyncIterator[None]:
    """Bounds a call of the provider, and makes its failures problems that say what to do."""
    advice = "whether money moved is not known: repeat the request with the same key"
    try:
        async with asyncio.timeout(PROVIDER_SECONDS):
            yield
    except TimeoutError as error:
        raise Problem(504, "provider-timeout", "The payment provider did not answer", advice) from error
    except ProviderError as error:
        raise Problem(502, "provider-failed", "The payment provider failed", f"{error}; {advice}") from error


def _digest(new: NewPayment) -> bytes:
    """Of what was asked for. The card is in it only as part of the digest: it is stored nowhere."""
    asked = [str(new.order_id), new.amount_cents, new.currency, new.card_token.get_secret_value()]
    return hashlib.sha256(orjson.dumps(asked)).digest()
