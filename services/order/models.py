"""What the order service takes and gives. Amounts are whole cents of the currency."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr

IdempotencyKey = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[!-~]+$")]


class NewItem(BaseModel):
    """So many of a product."""

    model_config = ConfigDict(extra="forbid")
    product_id: int = Field(ge=1, lt=10**18)
    quantity: int = Field(ge=1, le=99)


class NewOrder(BaseModel):
    """What a customer buys and with which card."""

    model_config = ConfigDict(extra="forbid")
    items: list[NewItem] = Field(min_length=1, max_length=50)
    card_token: SecretStr = Field(min_length=1, max_length=200, examples=["tok_ok"])


class Item(BaseModel):
    """A line of an order: name and price as they were when it was placed."""

    product_id: int
    name: str
    unit_price_cents: int
    quantity: int


class Order(BaseModel):
    """An order. `pending`: not paid yet, and repeating the request with its key pays it; `declined`: never
    will be.
    """

    id: UUID
    status: Literal["pending", "paid", "declined"]
    total_cents: int
    currency: str
    payment_id: UUID | None
    created_at: datetime
    items: list[Item]


class OrderPage(BaseModel):
    """Some of a customer's orders, newest first; `next` continues them and is absent on the last page."""

    orders: list[Order]
    next: str | None = None
