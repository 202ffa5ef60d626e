"""Makes the role and the database of the application on a new PostgreSQL cluster.

Patroni calls it (``bootstrap.post_init``) on the first primary with a connection string of the superuser as
the only argument. It may run twice, when a first bootstrap was interrupted, so each step looks before it
acts.

Environment: ``APP_USER``, ``APP_PASSWORD``, ``APP_DB``. Exits with a traceback, and so fails the bootstrap,
when one of them is missing or PostgreSQL refuses a statement.
"""

import os
import sys

import psycopg
from psycopg import sql


def create_application(conninfo: str, user: str, password: str, database: str) -> None:
    """Leave a login role ``user`` with ``password``, and ``database`` owned by it."""
    # CREATE DATABASE refuses to run inside a transaction, hence autocommit.
    with psycopg.connect(conninfo, autocommit=True) as connection:
        role_verb = sql.SQL("ALTER" if _exists(connection, "pg_roles", "rolname", user) else "CREATE")
        connection.execute(
            sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(role_verb, sql.Identifier(user), sql.Literal(password))
        )
        if not _exists(connection, "pg_database", "datname", database):
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(database), sql.Identifier(user))
            )


def _exists(connection: psycopg.Connection, catalog: str, column: str, name: str) -> bool:
    query = sql.SQL("SELECT 1 FROM {} WHERE {} = %s").format(sql.Identifier(catalog), sql.Identifier(column))
    return connection.execute(query, (name,)).fetchone() is not None


if __name__ == "__main__":
    create_application(sys.argv[1], os.environ["APP_USER"], os.environ["APP_PASSWORD"], os.environ["APP_DB"])
