"""Asking Patroni to move the primary to another member."""

from __future__ import annotations

import base64

import aiohttp

from consumerapp_operator.api.names import PATRONI_PORT
from consumerapp_operator.apply.client import Client
from consumerapp_operator.plan.model import ObjectKey
from consumerapp_operator.plan.postgres.credentials import RESTAPI_PASSWORD
from consumerapp_operator.scale.members import Switchover

REST_USER = "patroni"
SWITCHOVER_TIMEOUT_SECONDS = 20.0
"""Patroni answers when the new primary has taken over: 2 to 4 s measured, and at most two of its loops of 5
s.
"""


class SwitchoverRefused(Exception):  # noqa: N818 - named for what happened
    """The primary did not move; the text says why, in Patroni's words."""


async def switch_over(
    client: Client,
    session: aiohttp.ClientSession,
    admin_secret: ObjectKey,
    leader_ip: str,
    step: Switchover,
    port: int = PATRONI_PORT,
) -> str:
    """Move the primary and return Patroni's confirmation.

    The password is read when it is needed and not kept. Raises SwitchoverRefused, and ApiError when the
    Secret cannot be read.
    """
    secret = await client.get(admin_secret)
    encoded = (secret.get("data") or {}).get(RESTAPI_PASSWORD)
    if not encoded:
        raise SwitchoverRefused(f"Secret {admin_secret.name} has no key {RESTAPI_PASSWORD}")
    password = base64.b64decode(encoded).decode()
    try:
        async with session.post(
            f"http://{leader_ip}:{port}/switchover",
            json={"leader": step.leader, "candidate": step.candidate},
            headers={"Authorization": aiohttp.encode_basic_auth(REST_USER, password)},
            timeout=aiohttp.ClientTimeout(total=SWITCHOVER_TIMEOUT_SECONDS),
        ) as response:
            answer = (await response.text()).strip()[:200]
            if response.status != 200:
                raise SwitchoverRefused(f"Patroni answered {response.status}: {answer}")
            return answer
    except TimeoutError as error:
        raise SwitchoverRefused(f"no answer within {SWITCHOVER_TIMEOUT_SECONDS:g} s") from error
    except aiohttp.ClientError as error:
        raise SwitchoverRefused(f"{type(error).__name__} at {leader_ip}:{port}") from error
