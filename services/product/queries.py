"""The product database's statements."""

from typing import Any

import asyncpg

from product.models import NewProduct, Price, Product
from shop.database import Connection

_COLUMNS = "id, sku, name, description, category, price_cents, currency, stock"


async def page(connection: Connection, after: int, limit: int) -> list[Product]:
    """Up to ``limit`` products after the id ``after``, in order of id."""
    rows = await connection.fetch(f"SELECT {_COLUMNS} FROM products WHERE id > $1 ORDER BY id LIMIT $2", after, limit)
    return [_product(row) for row in rows]


async def search(connection: Connection, words: str, after: int, limit: int) -> list[Product]:
    """As :func:`page`, of those products that have all the words, in any grammatical form."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM products WHERE words @@ websearch_to_tsquery('english', $1)"
        " AND id > $2 ORDER BY id LIMIT $3",
        words, after, limit,
    )  # fmt: skip
    return [_product(row) for row in rows]


async def product(connection: Connection, product_id: int) -> Product | None:
    """One product."""
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM products WHERE id = $1", product_id)
    return None if row is None else _product(row)


async def prices(connection: Connection, product_ids: list[int]) -> list[Price]:
    """The prices of those that exist, in order of id."""
    rows = await connection.fetch(
        "SELECT id, name, price_cents, currency, stock FROM products WHERE id = ANY($1::bigint[]) ORDER BY id",
        product_ids,
    )
    return [Price.model_construct(**_values(row)) for row in rows]


async def insert_product(connection: Connection, new: NewProduct) -> Product | None:
    """The new product, or None when its SKU is taken."""
    row = await connection.fetchrow(
        "INSERT INTO products (sku, name, description, category, price_cents, stock)"
        f" VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (sku) DO NOTHING RETURNING {_COLUMNS}",
        new.sku, new.name, new.description, new.category, new.price_cents, new.stock,
    )  # fmt: skip
    return None if row is None else _product(row)


async def change_product(
    connection: Connection, product_id: int, price_cents: int | None, stock: int | None
) -> Product | None:
    """The product after the change; None leaves a value as it is."""
    row = await connection.fetchrow(
        "UPDATE products SET price_cents = coalesce($2, price_cents), stock = coalesce($3, stock),"
        f" changed_at = now() WHERE id = $1 RETURNING {_COLUMNS}",
        product_id, price_cents, stock,
    )  # fmt: skip
    return None if row is None else _product(row)


def _values(row: asyncpg.Record) -> dict[str, Any]:
    return dict(row)


def _product(row: asyncpg.Record) -> Product:
    return Product.model_construct(**_values(row))  # our own row needs no validation
