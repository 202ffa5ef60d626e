"""Puts the product service together."""

from fastapi import FastAPI

from product.catalogue import Catalogue
from product.routes import routes
from shop import cache
from shop.app import create_app
from shop.database import Database
from shop.health import Readiness
from shop.settings import Settings


def create(settings: Settings) -> FastAPI:
    """The application; nothing connects before its lifespan begins."""
    database = Database(settings)
    redis = cache.connect(settings.cache_url) if settings.cache_url else None
    product_cache = cache.Cache(redis, "product")
    return create_app(
        settings,
        title="Product",
        description="The catalogue of the shop.",
        routers=[routes(database, Catalogue(database, product_cache))],
        resources=[database, product_cache],
        readiness=Readiness(database.ping, settings.ready_grace),
    )
