"""The catalogue: complete pages, search, and a cache that a change empties and that may be away."""

import asyncio

import pytest

from tests.services.shop_processes import Shop


@pytest.mark.parametrize("limit", [7, 100])
async def test_pages_are_the_whole_catalogue_once(shop: Shop, limit: int) -> None:
    seen: list[int] = []
    path = f"/api/products?limit={limit}"
    while path:
        page = (await shop.call("product", "GET", path)).document
        seen += [product["id"] for product in page["products"]]
        path = f"/api/products?limit={limit}&cursor={page['next']}" if page["next"] else ""
    count = await shop.query("product", "SELECT count(*) FROM products")
    assert len(seen) == count >= 200
    assert seen == sorted(set(seen))


async def test_search_finds_other_forms_of_a_word_and_pages(shop: Shop) -> None:
    names: list[str] = []
    path = "/api/products?q=chairs&limit=4"
    while path:
        page = (await shop.call("product", "GET", path)).document
        names += [product["name"] for product in page["products"]]
        path = f"/api/products?q=chairs&limit=4&cursor={page['next']}" if page["next"] else ""
    assert len(names) == 10
    assert all(name.endswith("Chair") for name in names)


async def test_search_uses_the_index(shop: Shop) -> None:
    plan = await shop.query(
        "product",
        "SELECT string_agg(indexdef, ' ') FROM pg_indexes WHERE tablename = 'products' AND indexdef LIKE '%gin%'",
    )
    assert "words" in plan


@pytest.mark.parametrize("q", ["%27%3B--", "%26%7C%21", "a%20OR", '%22"'])
async def test_search_takes_any_words(shop: Shop, q: str) -> None:
    assert (await shop.call("product", "GET", f"/api/products?q={q}")).status == 200


async def test_nul_in_a_search_is_refused(shop: Shop) -> None:
    assert (await shop.call("product", "GET", "/api/products?q=a%00b")).status == 422


async def test_a_change_is_on_the_page_at_once(shop: Shop) -> None:
    before = (await shop.call("product", "GET", "/api/products/11")).document
    change = {"price_cents": before["price_cents"] + 1, "stock": 3}
    changed = (await shop.call("product", "PATCH", "/internal/products/11", change)).document
    assert changed == before | change
    assert (await shop.call("product", "GET", "/api/products/11")).document == changed
    prices = (await shop.call("product", "GET", "/internal/prices?ids=11,999999")).document["prices"]
    assert [(p["id"], p["price_cents"]) for p in prices] == [(11, change["price_cents"])]


async def test_a_sku_is_taken_once(shop: Shop) -> None:
    new = {"sku": "NEW-1", "name": "New", "description": "", "category": "office", "price_cents": 100}
    answers = await asyncio.gather(*(shop.call("product", "POST", "/internal/products", new) for _ in range(4)))
    assert sorted(a.status for a in answers) == [201, 409, 409, 409]


@pytest.mark.parametrize("path", ["/api/products/0", "/api/products/x", "/api/products?limit=101", "/internal/prices"])
async def test_a_wrong_request_is_a_problem(shop: Shop, path: str) -> None:
    answer = await shop.call("product", "GET", path)
    assert (answer.status, answer.headers["content-type"]) == (422, "application/problem+json")


@pytest.mark.parametrize(
    ("path", "status"), [("/api/products/999999", 404), ("/nowhere", 404), ("/api/products/1?", 200)]
)
async def test_what_is_not_there_is_a_problem(shop: Shop, path: str, status: int) -> None:
    answer = await shop.call("product", "GET", path)
    assert answer.status == status
    assert status == 200 or answer.document["status"] == status


async def test_without_its_cache_the_service_answers(shop: Shop) -> None:
    shop.start("product", "product-without-cache", CACHE_URL="redis://127.0.0.1:1/0")
    try:
        for path in ("/api/products/5", "/api/products/5", "/api/products"):
            assert (await shop.call("product-without-cache", "GET", path)).status == 200
        assert (await shop.call("product-without-cache", "GET", "/readyz")).status == 200
        assert "cache paused" in shop.logs["product-without-cache"].read_text()
    finally:
        assert shop.end("product-without-cache") == 0
