"""Schema changes: numbered SQL files, applied in order, each once, by however many processes try at the same
time.

Needs nothing but asyncpg, so that the Job which runs it starts fast.
"""

import asyncio
import hashlib
import re
import time
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from asyncpg.connect_utils import SessionAttribute

LOCK = 0x73686F70  # any number: the same for all that migrate this database
FILE_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
CONNECT_PAUSE_SECONDS = 0.5
# Errors that pass: the server starts, or has not been given the application's database yet.
NOT_YET = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.TargetServerAttributeNotMatched,
)


class MigrationError(Exception):
    """The files and the database do not fit together; the message says which file and what to do."""


@dataclass(frozen=True)
class Migration:
    """One file. ``number`` orders them; ``digest`` finds one that was changed after it had been applied."""

    number: int
    name: str
    sql: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def read(folder: Path) -> list[Migration]:
    """The migrations of a folder in order. Raises MigrationError when their numbers are not 1, 2, 3, …"""
    migrations = []
    for number, path in enumerate(sorted(folder.glob("*.sql")), start=1):
        match = FILE_NAME.fullmatch(path.name)
        if not match or int(match[1]) != number:
            raise MigrationError(f"{path.name}: expected {number:04d}_<name>.sql here")
        migrations.append(Migration(number, path.stem, path.read_text(encoding="utf-8")))
    if not migrations:
        raise MigrationError(f"no migrations in {folder}")
    return migrations


async def migrate(url: str, migrations: list[Migration], *, wait: float) -> list[str]:
    """Applies what the database lacks. Returns the names of what it applied, none when it was up to date.

    Waits up to ``wait`` seconds for a database that cannot be reached. Each file is one transaction: an
    interruption leaves whole files. Raises MigrationError, or what asyncpg raises when a statement is
    refused.
    """
    connection = await _connect(url, wait)
    try:
        # Held by the session until it closes, so others wait here and then find nothing left to do.
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK)
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations ("
            " number int PRIMARY KEY, name text NOT NULL, digest text NOT NULL,"
            " applied_at timestamptz NOT NULL DEFAULT now())"
        )
        rows = await connection.fetch("SELECT number, name, digest FROM schema_migrations")
        applied = {row["number"]: row for row in rows}
        done = []
        for migration in migrations:
            if row := applied.get(migration.number):
                if row["digest"] != migration.digest:
                    raise MigrationError(
                        f"{migration.name} is not what was applied as {row['name']}: put it back, add a file"
                    )
                continue
            async with connection.transaction():
                await connection.execute(migration.sql)
                await connection.execute(
                    "INSERT INTO schema_migrations (number, name, digest) VALUES ($1, $2, $3)",
                    migration.number, migration.name, migration.digest,
                )  # fmt: skip
            done.append(migration.name)
        return done
    finally:
        await connection.close()


async def _connect(url: str, wait: float) -> "asyncpg.Connection[asyncpg.Record]":
    give_up = time.monotonic() + wait
    while True:
        try:
            return await asyncpg.connect(
                url,
                timeout=5,
                # The Service may still point at a member that has just become a replica.
                target_session_attrs=SessionAttribute.read_write,
                server_settings={"application_name": "migrate"},
            )
        except NOT_YET as error:
            if time.monotonic() >= give_up:
                reason = f"no writable database within {wait:.0f} s: {type(error).__name__}"
                raise MigrationError(reason) from error
        await asyncio.sleep(CONNECT_PAUSE_SECONDS)
