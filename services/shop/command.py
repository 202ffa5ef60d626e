"""The command line that all services have: ``python -m <service> [serve | migrate | openapi]``.

Each verb imports only what it needs: a migration starts in a tenth of the time that the web application
takes.
"""

import asyncio
import importlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from shop.settings import Settings, SettingsError, from_environment

USAGE = "usage: python -m {0} [serve | migrate | openapi]"
MIGRATE_WAIT_SECONDS = 60.0


def main(service: str, arguments: Sequence[str]) -> int:
    """Runs a verb. Returns the exit code: 2 for wrong usage or settings, 1 when a migration failed."""
    verb = arguments[0] if arguments else "serve"
    if len(arguments) > 1 or verb not in ("serve", "migrate", "openapi"):
        print(USAGE.format(service), file=sys.stderr)
        return 2
    try:
        if verb == "openapi":
            return _openapi(service)
        settings = from_environment(service, os.environ)
        return _migrate(settings) if verb == "migrate" else _serve(settings)
    except SettingsError as error:
        print(json.dumps({"event": "wrong settings", "service": service, "reason": str(error)}), file=sys.stderr)
        return 2


def _serve(settings: Settings) -> int:
    from shop import logs, server

    logs.configure(settings.service)
    server.serve(importlib.import_module(f"{settings.service}.application").create(settings), settings)
    return 0


def _migrate(settings: Settings) -> int:
    from shop import migrations

    if not settings.database_url:
        raise SettingsError("DATABASE_URL is not set: there is nothing to migrate")
    folder = Path(importlib.import_module(settings.service).__path__[0]) / "migrations"
    line: dict[str, object] = {"event": "migrated", "service": settings.service}
    try:
        line["applied"] = asyncio.run(
            migrations.migrate(settings.database_url, migrations.read(folder), wait=MIGRATE_WAIT_SECONDS)
        )
    except migrations.MigrationError as error:
        line |= {"event": "migration failed", "reason": str(error)}
    print(json.dumps(line), flush=True)
    return int("reason" in line)


def _openapi(service: str) -> int:
    from shop.app import openapi_text

    # The document depends on no setting; these are only what the application refuses to be made without.
    urls = dict.fromkeys(("user", "product", "payment"), "http://callee.invalid")
    settings = Settings(service, database_url="postgresql://database.invalid/app", call_urls=urls)
    sys.stdout.buffer.write(openapi_text(importlib.import_module(f"{service}.application").create(settings)))
    return 0
