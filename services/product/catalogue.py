"""The catalogue as customers read it: answers ready to send, from the cache, else from a read replica.

A price or a stock that is some seconds old does no harm on a page: what an order costs is asked of the
primary.
"""

from product import queries
from product.models import Product, ProductPage
from shop import pages
from shop.cache import Cache
from shop.database import Connection, Database

PAGE_TTL_SECONDS = 10.0
PRODUCT_TTL_SECONDS = 30.0


class Catalogue:
    """Documents are JSON text: a hit is passed on without being read."""

    def __init__(self, database: Database, cache: Cache) -> None:
        self._database, self._cache = database, cache

    async def product(self, product_id: int) -> bytes | None:
        """A product's document, or None when there is no such product."""

        async def load() -> bytes | None:
            found = await self._database.stale(lambda c: queries.product(c, product_id))
            return None if found is None else document(found)

        return await self._cache.fetch(str(product_id), load, PRODUCT_TTL_SECONDS)

    async def page(self, after: int, limit: int) -> bytes:
        """A page of the whole list."""

        async def load() -> bytes:
            return _page(await self._database.stale(lambda c: queries.page(c, after, limit + 1)), limit)

        value = await self._cache.fetch(f"page:{after}:{limit}", load, PAGE_TTL_SECONDS)
        assert value is not None, "a page may be empty but is never missing"
        return value

    async def search(self, words: str, after: int, limit: int) -> bytes:
        """A page of the products with these words. Not cached: there are as many searches as customers."""

        async def find(connection: Connection) -> list[Product]:
            return await queries.search(connection, words, after, limit + 1)

        return _page(await self._database.stale(find), limit)

    async def forget(self, product_id: int) -> None:
        """Makes a change, once committed, visible on the product's page. Lists show it when they expire."""
        await self._cache.forget(str(product_id))


def document(product: Product) -> bytes:
    """The product as JSON."""
    return product.__pydantic_serializer__.to_json(product)


def _page(found: list[Product], limit: int) -> bytes:
    """The page of ``limit`` out of one more than that: the one more tells whether there is a next page."""
    page = ProductPage.model_construct(
        products=found[:limit], next=pages.encode([found[limit - 1].id]) if len(found) > limit else None
    )
    return page.__pydantic_serializer__.to_json(page)
