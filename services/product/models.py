"""What the product service takes and gives. Prices are whole cents of the currency."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

MOST_IDS = 100

Cents = Annotated[int, Field(gt=0, le=100_000_000)]
Stock = Annotated[int, Field(ge=0, le=1_000_000)]
ProductId = Annotated[int, Field(ge=1, le=2**63 - 1)]


class Product(BaseModel):
    """A product's page."""

    id: int
    sku: str
    name: str
    description: str
    category: str
    price_cents: int
    currency: str
    stock: int


class ProductPage(BaseModel):
    """Part of the list; `next` continues it and is absent on the last page."""

    products: list[Product]
    next: str | None = None


class Price(BaseModel):
    """What an order needs to know of a product."""

    id: int
    name: str
    price_cents: int
    currency: str
    stock: int


class Prices(BaseModel):
    """The prices of those products asked for that exist."""

    prices: list[Price]


class NewProduct(BaseModel):
    """A product to be added to the catalogue."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)
    sku: str = Field(pattern=r"^[A-Z0-9-]{3,32}$")
    name: str = Field(min_length=1, max_length=120)
    description: str = Field(max_length=2000)
    category: str = Field(min_length=1, max_length=60)
    price_cents: Cents
    stock: Stock = 0


class ProductChange(BaseModel):
    """A new price or stock; what is left out stays."""

    model_config = ConfigDict(extra="forbid")
    price_cents: Cents | None = None
    stock: Stock | None = None
