"""Where a gateway listens and finds its files: always the same in a pod, whatever is free in a test."""

from __future__ import annotations

from dataclasses import dataclass

from consumerapp_operator.api.names import ADMIN_PORT, INTERNAL_PORT, PUBLIC_PORT

LOCAL_ADMIN_PORT = 9902


@dataclass(frozen=True)
class Placement:
    """Addresses, ports and paths of one gateway.

    admin: port of Envoy's admin interface, on the loopback only; it can stop Envoy, so nothing outside the
    pod may reach it. stats: the listener that lets the harmless part of it through. directory: where the
    configuration is mounted. resolvers: name servers as (address, port); the pod's own (/etc/resolv.conf) if
    there are none.
    """

    address: str = "0.0.0.0"
    public: int = PUBLIC_PORT
    internal: int = INTERNAL_PORT
    stats: int = ADMIN_PORT
    admin: int = LOCAL_ADMIN_PORT
    directory: str = "/etc/envoy"
    resolvers: tuple[tuple[str, int], ...] = ()

    def file(self, name: str) -> str:
        return f"{self.directory}/{name}"


IN_POD = Placement()
LOOPBACK = "127.0.0.1"


def socket(address: str, port: int) -> dict[str, object]:
    """A TCP address as Envoy writes it."""
    return {"socket_address": {"address": address, "port_value": port}}
