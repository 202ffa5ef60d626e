"""What Patroni runs on a new cluster."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, STDOUT

import asyncpg

from tests.services import machine
from tests.services.shop_processes import CHECKOUT


async def test_it_makes_role_and_database_and_may_run_again(postgres: machine.Postgres) -> None:
    environment = {**os.environ, "APP_USER": "an app", "APP_PASSWORD": "it's", "APP_DB": "its data"}
    command = [sys.executable, str(CHECKOUT / "services/postgres/post_init.py"), postgres.url()]
    for _ in range(2):
        done = await asyncio.create_subprocess_exec(*command, env=environment, stdout=PIPE, stderr=STDOUT)
        output = (await done.communicate())[0]
        assert (done.returncode, output) == (0, b"")
    connection = await asyncpg.connect(postgres.url("its%20data", role="an%20app"))
    assert (
        await connection.fetchval("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'its data'")
        == "an app"
    )
    assert not await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    await connection.close()
