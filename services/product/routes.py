"""The product service's routes. Those under /internal are for other services: no gateway shows them."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from product import queries
from product.catalogue import Catalogue
from product.models import MOST_IDS, NewProduct, Prices, Product, ProductChange, ProductPage
from shop import pages
from shop.database import Database
from shop.problems import Problem, documented

ProductPath = Annotated[int, Path(ge=1, le=2**63 - 1)]


def routes(database: Database, catalogue: Catalogue) -> APIRouter:
    """The routes over these."""
    router = APIRouter()

    @router.get("/api/products", response_model=ProductPage, responses=documented(503), tags=["catalogue"])
    async def list_products(
        q: Annotated[
            str,
            Query(max_length=100, pattern=r"^[^\x00]*$", description="Words to search for; none: all products"),
        ] = "",
        limit: pages.Limit = 20,
        cursor: pages.Cursor = None,
    ) -> Response:
        """List or search the catalogue, in order of id."""
        after = _position(cursor) if cursor else 0
        if q.strip():
            return _json(await catalogue.search(q, after, limit))
        return _json(await catalogue.page(after, limit))

    @router.get(
        "/api/products/{product_id}",
        response_model=Product,
        responses=documented(404, 503),
        tags=["catalogue"],
    )
    async def get_product(product_id: ProductPath) -> Response:
        """A product's page."""
        if (value := await catalogue.product(product_id)) is None:
            raise _unknown(product_id)
        return _json(value)

    @router.get("/internal/prices", responses=documented(503), tags=["internal"])
    async def get_prices(
        ids: Annotated[str, Query(pattern=r"^\d{1,18}(,\d{1,18})*$", description="Ids, separated by commas")],
    ) -> Prices:
        """Current prices of several products. A GET, so that a proxy may safely ask another pod again."""
        product_ids = [int(part) for part in ids.split(",")]
        if len(product_ids) > MOST_IDS:
            raise Problem(422, "too-many-ids", "Too many products at once", f"at most {MOST_IDS}")
        # The primary: this is what a customer is charged.
        found = await database.primary(lambda c: queries.prices(c, product_ids), repeatable=True)
        return Prices.model_construct(prices=found)

    @router.post("/internal/products", status_code=201, responses=documented(409, 503), tags=["internal"])
    async def add_product(new: NewProduct) -> Product:
        """Add to the catalogue. 409 when the SKU is taken."""
        added = await database.primary(lambda c: queries.insert_product(c, new), repeatable=False)
        if added is None:
            raise Problem(409, "sku-taken", "There is a product with this SKU", new.sku)
        return added

    @router.patch("/internal/products/{product_id}", responses=documented(404, 503), tags=["internal"])
    async def change_product(product_id: ProductPath, change: ProductChange) -> Product:
        """Set a price or a stock."""
        changed = await database.primary(
            lambda c: queries.change_product(c, product_id, change.price_cents, change.stock), repeatable=True
        )
        if changed is None:
            raise _unknown(product_id)
        await catalogue.forget(product_id)
        return changed

    return router


def _position(cursor: str) -> int:
    value: Any = pages.decode(cursor, 1)[0]
    if type(value) is not int or not 0 <= value < 2**63:
        raise pages.invalid()
    return value


def _unknown(product_id: int) -> Problem:
    return Problem(404, "no-such-product", "There is no such product", f"id {product_id}")


def _json(document: bytes) -> Response:
    return Response(document, media_type="application/json")
