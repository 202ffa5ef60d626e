"""A DNS server on the loopback that gives the addresses of replicas, as a headless Service's name does."""

from __future__ import annotations

import asyncio
import ipaddress
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

_A = 1
_NO_ERROR, _NO_SUCH_NAME = 0, 3


class Resolver(asyncio.DatagramProtocol):
    """Answers A queries from `records`; a name that is not there does not exist. `delay_seconds` before each answer."""

    def __init__(self) -> None:
        self.records: dict[str, list[str]] = {}
        self.delay_seconds = 0.0
        self.port = 0
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # In Python 3.11 the transport of a socket is no subclass of DatagramTransport.
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        asyncio.get_running_loop().call_later(self.delay_seconds, self._answer, data, addr)

    def _answer(self, query: bytes, client: tuple[str, int]) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        labels, at = [], 12
        while length := query[at]:
            labels.append(query[at + 1 : at + 1 + length].decode())
            at += length + 1
        (kind,) = struct.unpack(">H", query[at + 1 : at + 3])
        addresses = self.records.get(".".join(labels))
        found = addresses if addresses is not None and kind == _A else []
        code = _NO_SUCH_NAME if addresses is None else _NO_ERROR
        header = query[:2] + struct.pack(">HHHHH", 0x8580 | code, 1, len(found), 0, 0)
        answers = b"".join(
            b"\xc0\x0c" + struct.pack(">HHIH", _A, 1, 30, 4) + ipaddress.IPv4Address(address).packed
            for address in found
        )
        self._transport.sendto(header + query[12 : at + 5] + answers, client)


@asynccontextmanager
async def resolver() -> AsyncIterator[Resolver]:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(Resolver, local_addr=("127.0.0.1", 0))
    try:
        yield protocol
    finally:
        transport.close()
