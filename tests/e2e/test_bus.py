"""Events: none lost when a server or a worker dies, none that cannot be handled in the way, no worker without work."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.e2e.lab import DATABASE, SMALL, Lab, Spec, app_spec
from tests.e2e.waiting import until
from walkthrough.kubectl import KubectlError

SIGN_UP = """
import json, os, sys, urllib.request, uuid
for _ in range(int(sys.argv[1])):
    new = {"email": f"{uuid.uuid4()}@example.com", "password": "a good passphrase", "display_name": "A customer"}
    url = f"http://127.0.0.1:{os.environ['PORT']}/api/users"
    request = urllib.request.Request(url, json.dumps(new).encode(), {"content-type": "application/json"})
    assert urllib.request.urlopen(request, timeout=10).status == 201
"""
PUBLISH = """
import asyncio, nats, os, sys
async def main():
    client = await nats.connect(os.environ["BUS_URL"])
    await client.jetstream().publish(sys.argv[1], sys.argv[2].encode())
    await client.close()
asyncio.run(main())
"""
LOOK = """
import asyncio, json, nats, os
async def main():
    client = await nats.connect(os.environ["BUS_URL"], allow_reconnect=False, connect_timeout=2)
    jetstream = client.jetstream()
    info = {item.config.name: item.state.messages for item in await jetstream.streams_info()}
    dead = (await jetstream.get_last_msg("dead", "dead.>")).headers if info["dead"] else {}
    print(json.dumps({"messages": info.get("KV_messages", 0), "dead": info["dead"], "headers": dead}))
    await client.close()
asyncio.run(main())
"""


def spec(*, bus: bool = True) -> Spec:
    user: Spec = {
        "name": "user",
        "image": "consumerapp/user:0.1.0",
        "database": {
            "replicas": 0,
            "migrate": {"command": ["python", "-m", "user", "migrate"]},
            "resources": DATABASE,
        },
    }
    if not bus:
        return app_spec(user)
    notifier: Spec = {
        "name": "notifier",
        "image": "consumerapp/notifier:0.1.0",
        "consumes": ["user.signed_up"],
        "ackWaitSeconds": 3,
        "maxDeliver": 2,
        "health": {},
        "resources": SMALL,
        "scaling": {"min": 0, "max": 2, "behavior": {"scaleDown": {"stabilizationWindowSeconds": 10}}},
    }
    small_bus = {"type": "nats", "storage": {"size": "256Mi"}, "resources": SMALL}
    return app_spec({**user, "publishes": ["user.signed_up"]}, bus=small_bus, workers=[notifier])


@pytest.fixture(scope="module")
def bus_lab(make_lab: Callable[[str], Lab]) -> Lab:
    lab = make_lab("e2e-bus")
    lab.apply(spec())
    lab.wait_ready(180)
    return lab


def look(lab: Lab) -> dict[str, object]:
    """What is on the bus; nothing while it is away."""
    try:
        found: dict[str, object] = json.loads(lab.exec("user", LOOK))
    except KubectlError:
        return {}
    return found


def workers(lab: Lab) -> int:
    count: int = lab.get("deployment", "notifier")["spec"]["replicas"]
    return count


def test_each_sign_up_is_told_once_though_a_server_and_a_worker_are_killed(bus_lab: Lab) -> None:
    bus_lab.exec("user", SIGN_UP, "10")
    until("a worker is there", lambda: bus_lab.list("pods", "app.kubernetes.io/component=worker"), 60)
    bus_lab.run("delete", "pod", f"{bus_lab.app}-bus-0", "--grace-period=0", "--force", "--wait=false")
    bus_lab.exec("user", SIGN_UP, "10")
    for pod in bus_lab.list("pods", "app.kubernetes.io/component=worker"):
        bus_lab.run("delete", "pod", pod["metadata"]["name"], "--grace-period=0", "--force", "--wait=false")
    bus_lab.exec("user", SIGN_UP, "10")
    signed_up = int(bus_lab.psql("user", "SELECT count(*) FROM users"))
    assert signed_up >= 30
    until("every sign-up is told", lambda: look(bus_lab).get("messages") == signed_up, 90)
    assert bus_lab.psql("user", "SELECT count(*) FROM outbox") == "0"
    assert look(bus_lab)["dead"] == 0


def test_an_event_that_cannot_be_handled_is_kept_apart_and_holds_up_no_other(bus_lab: Lab) -> None:
    before = int(bus_lab.psql("user", "SELECT count(*) FROM users"))
    bus_lab.exec("user", PUBLISH, "user.signed_up", "this is no event")
    bus_lab.exec("user", SIGN_UP, "1")
    until("the sign-up after it is told", lambda: look(bus_lab).get("messages") == before + 1, 60)
    dead = until("a dead letter", lambda: (found := look(bus_lab)).get("dead") == 1 and found, 60)
    assert isinstance(dead, dict)
    assert dead["headers"]["Dead-Consumer"] == "notifier"
    assert dead["headers"]["Dead-Deliveries"] == "2"


def test_no_worker_runs_while_there_is_nothing_to_do(bus_lab: Lab) -> None:
    until("no worker", lambda: workers(bus_lab) == 0, 90)
    bus_lab.wait_condition("Ready", "True")
    bus_lab.exec("user", SIGN_UP, "1")
    until("a worker", lambda: workers(bus_lab) > 0, 60)
    until("none again", lambda: workers(bus_lab) == 0, 90)
    status = bus_lab.resource()["status"]["workers"][0]
    assert status["desired"] == 0
    assert "events waiting" in status["lastDecision"]["reason"]


def test_without_a_bus_the_app_runs_and_writes_no_events(bus_lab: Lab) -> None:
    bus_lab.apply(spec(bus=False))
    bus_lab.wait_ready()
    until("the bus is gone", lambda: not bus_lab.exists("statefulset", "bus"), 60)
    # A replica that drains still has BUS_URL.
    pods = "app.kubernetes.io/name=user,app.kubernetes.io/component=service"
    until("only the new replica", lambda: len(bus_lab.list("pods", pods)) == 1, 60)
    before = bus_lab.psql("user", "SELECT count(*) FROM outbox")
    bus_lab.exec("user", SIGN_UP, "1")
    assert bus_lab.psql("user", "SELECT count(*) FROM outbox") == before
