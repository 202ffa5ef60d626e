"""Puts the notifier together: a consumer, and the health checks of a service."""

import os

from fastapi import FastAPI

from notifier.messages import notify
from shop.app import create_app
from shop.bus import Bus
from shop.consumer import Consumer
from shop.health import Readiness
from shop.settings import Settings, SettingsError


def create(settings: Settings) -> FastAPI:
    """The application; nothing connects before its lifespan begins."""
    if not settings.bus_url:
        raise SettingsError("BUS_URL is not set: the notifier needs the bus")
    bus = Bus(settings.bus_url, settings.service)
    consumer = Consumer(bus, os.environ.get("BUS_CONSUMER", "notifier"), notify)
    return create_app(
        settings,
        title="Notifier",
        description="Tells customers what happened.",
        routers=[],
        resources=[consumer],
        readiness=Readiness(bus.ping, settings.ready_grace),
    )
