"""What Envoy itself says of its replicas, as `consumerapp status` tells it."""

from __future__ import annotations

import json

from consumerapp_operator.cli.upstreams import CLUSTERS_PATH, Views, parse, told
from tests.integration.gateway.stage import Stage, app_of, eventually


async def view(stage: Stage) -> Views:
    return parse(json.loads(await stage.gateway.text(f"/{CLUSTERS_PATH}")))


async def test_a_replica_is_in_rotation_until_it_fails(stage: Stage) -> None:
    await stage.replica("order", "127.0.1.1")
    going = await stage.replica("order", "127.0.1.2")
    await stage.run(app_of({"order": []}))

    async def said(address: str) -> str:
        return told([await view(stage)], "order", address)

    async def both_serve() -> bool:
        return {await said("127.0.1.1"), await said("127.0.1.2")} == {"in rotation"}

    async def health_told() -> bool:
        return "its health check fails (1 of 1 gateway pods)" in await said("127.0.1.2")

    await eventually(both_serve)
    assert set(await view(stage)) == {"order"}, "Envoy's own clusters are nobody's services"
    assert await said("127.0.1.9") == "not known to the gateway (1 of 1 gateway pods)"
    await going.kill()

    async def ejection_told() -> bool:
        await stage.get(f"{stage.gateway.public}/api/order")
        return "ejected: it could not be reached twice in a row" in await said("127.0.1.2")

    await eventually(ejection_told)
    await eventually(health_told)
    assert await said("127.0.1.1") == "in rotation"
