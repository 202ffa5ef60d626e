"""What customers do in the shop."""

import asyncio
import random
import uuid
from dataclasses import dataclass

from aiohttp.abc import AbstractResolver

from traffic.ledger import Ledger
from traffic.settings import Settings
from traffic.visit import RequestFailed, Visit

PASSWORD = "a passphrase of customers"  # nobody's
WORDS = (
    "oak",
    "lamp",
    "kitchen",
    "reading",
    "steel mug",
    "winter",
    "leather wallet",
    "breakfast",
    "wool",
    "clock",
)

# Shares of customers who do what not all do.
NEW = 0.3
LOGS_IN_AGAIN = 0.25
LOOKS_AT_PROFILE = 0.2
TURNS_THE_PAGE = 0.2
ORDERS = 0.7
LOOKS_AT_ORDER = 0.5


@dataclass
class _Account:
    email: str
    token: str = ""


class Customers:
    """New ones, and those who have been here before in this run and come again."""

    def __init__(self, settings: Settings, ledger: Ledger, resolver: AbstractResolver) -> None:
        self._settings, self._ledger, self._resolver = settings, ledger, resolver
        self._accounts: list[_Account] = []
        self._numbered = 0

    async def journey(self, dice: random.Random) -> None:
        """One customer from coming to leaving; they leave early when a request fails."""
        self._ledger.journeys += 1
        try:
            async with Visit(self._settings, self._ledger, self._resolver) as visit:
                account = await self._enter(visit, dice)
                await self._browse(visit, dice, account)
        except RequestFailed:
            return  # entered in the ledger already

    async def _enter(self, visit: Visit, dice: random.Random) -> _Account:
        if not self._accounts or dice.random() < NEW:
            self._numbered += 1
            account = _Account(f"customer-{self._settings.run}-{self._numbered}@example.com")
            new = {"email": account.email, "password": PASSWORD, "display_name": f"Customer {self._numbered}"}
            await visit.request("POST /api/users", "/api/users", expect=201, document=new)
            await self._think(dice)
            await self._log_in(visit, account)
            self._accounts.append(account)
            return account
        account = dice.choice(self._accounts)
        if dice.random() < LOGS_IN_AGAIN:
            await self._log_in(visit, account)
        if dice.random() < LOOKS_AT_PROFILE:
            await visit.request("GET /api/users/me", "/api/users/me", token=account.token)
        return account

    async def _log_in(self, visit: Visit, account: _Account) -> None:
        login = {"email": account.email, "password": PASSWORD}
        session = await visit.request("POST /api/users/login", "/api/users/login", document=login)
        account.token = session["access_token"]

    async def _browse(self, visit: Visit, dice: random.Random, account: _Account) -> None:
        page = await visit.request("GET /api/products", "/api/products")
        if dice.random() < TURNS_THE_PAGE:
            await self._think(dice)
            page = await visit.request("GET /api/products", f"/api/products?cursor={page['next']}")
        await self._think(dice)
        word = dice.choice(WORDS).replace(" ", "%20")
        found = await visit.request("GET /api/products?q", f"/api/products?q={word}")
        products = [*page["products"], *found["products"]]
        basket = []
        for product in dice.sample(products, dice.randint(1, 3)):
            await self._think(dice)
            await visit.request("GET /api/products/{id}", f"/api/products/{product['id']}")
            basket.append({"product_id": product["id"], "quantity": dice.randint(1, 3)})
        if dice.random() < ORDERS:
            await self._think(dice)
            await self._order(visit, dice, account, basket)

    async def _order(self, visit: Visit, dice: random.Random, account: _Account, basket: list[dict[str, int]]) -> None:
        order = await visit.request(
            "POST /api/orders",
            "/api/orders",
            expect=201,
            token=account.token,
            key=str(uuid.UUID(int=dice.getrandbits(128), version=4)),
            document={"items": basket, "card_token": "tok_ok"},
        )
        self._ledger.orders.append(order["id"])
        await self._think(dice)
        await visit.request("GET /api/orders", "/api/orders", token=account.token)
        if dice.random() < LOOKS_AT_ORDER:
            await visit.request("GET /api/orders/{id}", f"/api/orders/{order['id']}", token=account.token)

    async def _think(self, dice: random.Random) -> None:
        await asyncio.sleep(dice.uniform(0, 2 * self._settings.think_seconds))
