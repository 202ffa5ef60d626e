"""What the payment service takes and gives. Amounts are whole cents of the currency."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr

IdempotencyKey = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[!-~]+$")]


class NewPayment(BaseModel):
    """A charge to be made for an order."""

    model_config = ConfigDict(extra="forbid")
    order_id: UUID
    amount_cents: int = Field(gt=0, le=1_000_000_000)
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    card_token: SecretStr = Field(min_length=1, max_length=200)


class Payment(BaseModel):
    """A payment. `sandbox` true: no money moved."""

    id: UUID
    order_id: UUID
    amount_cents: int
    currency: str
    status: Literal["processing", "captured", "declined", "refunded"]
    provider: str
    sandbox: bool
    decline_reason: str | None = None
