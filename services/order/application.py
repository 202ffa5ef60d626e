"""Puts the order service together."""

from fastapi import FastAPI

from order.ordering import Ordering
from order.routes import routes
from shop.app import create_app
from shop.database import Database
from shop.health import Readiness
from shop.http_client import ServiceClient
from shop.jwks import RemoteKeys
from shop.outbox import Relay
from shop.settings import Settings


def create(settings: Settings) -> FastAPI:
    """The application; nothing connects before its lifespan begins."""
    database = Database(settings)
    user, product, payment = (
        ServiceClient(callee, settings.call_url(callee), settings.call_timeout)
        for callee in ("user", "product", "payment")
    )
    return create_app(
        settings,
        title="Order",
        description="Orders of the shop: placed once, acknowledged when paid and stored.",
        routers=[
            routes(
                database, Ordering(database, product, payment, announce=bool(settings.bus_url)), RemoteKeys(user).lookup
            )
        ],
        resources=[database, user, product, payment, Relay(settings, database)],
        readiness=Readiness(database.ping, settings.ready_grace),
    )
