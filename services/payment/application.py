"""Puts the payment service together."""

import os

from fastapi import FastAPI

from payment.charging import Charging
from payment.routes import routes
from payment.sandbox import Sandbox
from shop.app import create_app
from shop.database import Database
from shop.health import Readiness
from shop.outbox import Relay
from shop.settings import Settings


def create(settings: Settings) -> FastAPI:
    """The application; nothing connects before its lifespan begins."""
    database = Database(settings)
    provider = Sandbox(database, slow_seconds=float(os.environ.get("SANDBOX_SLOW_SECONDS", "7")))
    return create_app(
        settings,
        title="Payment",
        description="Charges and refunds. The provider is a sandbox: no money moves.",
        routers=[routes(database, Charging(database, provider, announce=bool(settings.bus_url)))],
        resources=[database, provider, Relay(settings, database)],
        readiness=Readiness(database.ping, settings.ready_grace),
    )
