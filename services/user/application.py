"""Puts the user service together."""

from fastapi import FastAPI

from shop.app import create_app
from shop.database import Database
from shop.health import Readiness
from shop.outbox import Relay
from shop.settings import Settings
from user.keys import SigningKeys
from user.passwords import Passwords
from user.routes import routes


def create(settings: Settings) -> FastAPI:
    """The application; nothing connects before its lifespan begins."""
    database, passwords = Database(settings), Passwords()
    return create_app(
        settings,
        title="User",
        description="Customers of the shop: sign up, log in, profile.",
        routers=[routes(database, passwords, SigningKeys(database), announce=bool(settings.bus_url))],
        resources=[database, passwords, Relay(settings, database)],
        readiness=Readiness(database.ping, settings.ready_grace),
    )
