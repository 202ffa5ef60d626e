"""Orders as the database has them, independent of what any service says."""

from __future__ import annotations

from dataclasses import dataclass

from walkthrough.kubectl import Kubectl, KubectlError

PAID = """
SELECT count(*), encode(sha256(convert_to(coalesce(string_agg(id::text, E'\\n' ORDER BY id), ''), 'UTF8')), 'hex')
FROM orders WHERE status = 'paid'
"""


@dataclass(frozen=True)
class Stored:
    """Paid orders: how many, and SHA-256 of their ids, sorted, one a line."""

    count: int
    digest: str


def stored(kubectl: Kubectl, namespace: str, app: str) -> Stored:
    """Paid orders in the primary of the order database. Raises KubectlError."""
    count, digest = query(kubectl, namespace, app, "order", PAID).split("|")
    return Stored(int(count), digest)


def query(kubectl: Kubectl, namespace: str, app: str, service: str, statement: str) -> str:
    """What psql answers inside the primary's own pod, as the superuser. Raises KubectlError."""
    primaries = kubectl.get(
        "pods",
        "-n",
        namespace,
        "-l",
        f"app.kubernetes.io/instance={app}-{service}-db,consumerapp.io/role=primary",
    )
    if len(primaries) != 1:
        found = ", ".join(pod["metadata"]["name"] for pod in primaries) or "none"
        raise KubectlError(("get", "pods"), f"{app}-{service}-db should have one primary, found: {found}")
    # The password is in the pod's own environment: it never becomes an argument of a process out here.
    psql = 'PGPASSWORD="$PATRONI_SUPERUSER_PASSWORD" exec psql -h /tmp -U postgres -d app -tAqc "$1"'
    name = primaries[0]["metadata"]["name"]
    return kubectl.run("exec", name, "-n", namespace, "--", "bash", "-c", psql, "psql", statement).strip()
