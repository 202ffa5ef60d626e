"""The whole operator against a real cluster: what it writes, what it repairs, and when it writes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import pytest

from consumerapp_operator.api.kinds import EVENT, kind_of
from consumerapp_operator.api.names import API_VERSION, KIND, LABEL_CLASS, LABEL_PART_OF
from consumerapp_operator.apply.client import ApiError, Client
from consumerapp_operator.plan.model import Manifest, ObjectKey
from tests.integration.engine.operator_process import Operator

Body = dict[str, Any]

# Answers every path with 200 on $PORT: all that a service owes, from an image that is in the cluster anyway.
SERVER = (
    "import os, http.server as h\n"
    "class A(h.BaseHTTPRequestHandler):\n"
    "    def do_GET(self): self.send_response(200); self.end_headers()\n"
    "    def log_message(self, *a): pass\n"
    "h.ThreadingHTTPServer(('', int(os.environ['PORT'])), A).serve_forever()"
)
SMALL = {"requests": {"cpu": "5m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}}
ONE = {"min": 1, "max": 2}


def service(name: str, **more: Any) -> Body:
    return {"name": name, "image": "consumerapp/user:0.1.0", "command": ["python", "-c", SERVER], **more}


def app(namespace: str, *services: Body) -> Body:
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": "shop", "namespace": namespace, "labels": {LABEL_CLASS: namespace}},
        "spec": {
            "gateway": {"scaling": ONE, "resources": SMALL},
            "defaults": {"scaling": ONE, "resources": SMALL},
            "services": list(services),
        },
    }


@pytest.fixture
async def operator(client: Client, namespace: str) -> AsyncIterator[Operator]:
    made = Operator(client, namespace)
    await made.install()
    await made.start()
    yield made
    await made.remove()


class Shop:
    """The app in the cluster, and its objects."""

    def __init__(self, client: Client, namespace: str, operator: Operator) -> None:
        self.client = client
        self.namespace = namespace
        self.operator = operator

    async def apply(self, *services: Body) -> Manifest:
        """As `kubectl apply --server-side` does."""
        key = ObjectKey.of(app(self.namespace))
        path = kind_of(key.api_version, key.kind).path(key.namespace, key.name)
        return await self.client.request(
            "PATCH",
            f"{path}?fieldManager=user&force=true",
            app(self.namespace, *services),
            "application/apply-patch+yaml",
        )

    def key(self, kind: str, name: str) -> ObjectKey:
        groups = {
            "Deployment": "apps/v1",
            "NetworkPolicy": "networking.k8s.io/v1",
            "PodDisruptionBudget": "policy/v1",
            KIND: API_VERSION,
        }
        return ObjectKey(groups.get(kind, "v1"), kind, self.namespace, name)

    async def find(self, kind: str, name: str) -> Manifest | None:
        try:
            return await self.client.get(self.key(kind, name))
        except ApiError as error:
            if error.status != 404:
                raise
            return None

    async def get(self, kind: str, name: str) -> Manifest:
        found = await self.find(kind, name)
        assert found is not None, f"{kind} {name} is not there"
        return found

    async def versions(self) -> dict[str, str]:
        """resourceVersions of what the operator applies, without those that controllers write to as well."""
        found = {}
        for kind in ("ConfigMap", "ServiceAccount", "NetworkPolicy", "Service"):
            key = self.key(kind, "")
            async for item in self.client.list(kind_of(key.api_version, key.kind), LABEL_PART_OF, self.namespace):
                found[f"{kind}/{item['metadata']['name']}"] = item["metadata"]["resourceVersion"]
        return found

    async def counts_are_not_applied(self, deployment: str) -> None:
        """The scaler alone writes counts: no apply of the operator owns the field."""
        entries = (await self.get("Deployment", deployment))["metadata"]["managedFields"]
        applied = [item["fieldsV1"]["f:spec"] for item in entries if item["operation"] == "Apply"]
        assert applied
        assert all("f:replicas" not in fields for fields in applied)

    async def condition(self, kind: str) -> Mapping[str, Any]:
        status = (await self.get(KIND, "shop")).get("status") or {}
        return next((item for item in status.get("conditions") or () if item["type"] == kind), {})

    async def is_ready(self) -> bool:
        body = await self.get(KIND, "shop")
        ready = await self.condition("Ready")
        return ready.get("status") == "True" and ready["observedGeneration"] == body["metadata"]["generation"]

    async def events(self) -> dict[str, str]:
        return {item["reason"]: item["message"] async for item in self.client.list(EVENT, "", self.namespace)}

    async def until(self, holds: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not await holds():  # noqa: ASYNC110 - in the cluster
                    await asyncio.sleep(0.2)
        except TimeoutError:
            body = await self.get(KIND, "shop")
            pytest.fail(f"it did not come to it: {body.get('status')}\n{await self.operator.log()}")

    async def settle(self) -> None:
        """Until the app is ready and nothing has been written for two of the scaler's turns."""
        await self.until(self.is_ready, 90)
        before: Mapping[tuple[str, str, str], float] = {}
        async with asyncio.timeout(60):
            while (now := await self.operator.writes()) != before:
                before = now
                await asyncio.sleep(11)


@pytest.fixture
async def shop(client: Client, namespace: str, operator: Operator) -> Shop:
    return Shop(client, namespace, operator)


async def test_nothing_is_written_while_nothing_changes(shop: Shop, operator: Operator) -> None:
    await shop.apply(service("web"))
    await shop.settle()
    assert await shop.find("Deployment", "shop-web") is not None
    before = await operator.writes()
    assert before["apply", "Deployment", "ok"] >= 2
    await shop.counts_are_not_applied("shop-web")

    await shop.apply(service("web"))
    await asyncio.sleep(8)
    assert await operator.writes() == before, "a second apply of the same resource"

    await operator.stop()
    assert await operator.holder() == "", "the Lease was given back"
    await operator.start()
    await asyncio.sleep(8)
    assert await operator.writes() == {}, "a restart of the operator"


async def test_what_somebody_changes_is_repaired_and_told(shop: Shop) -> None:
    await shop.apply(service("web"))
    await shop.until(shop.is_ready, 90)
    container = {"name": "service", "image": "somebody/else:1"}
    await shop.client.patch(
        shop.key("Deployment", "shop-web"),
        {"spec": {"template": {"spec": {"containers": [container]}}}},
        field_manager="somebody",
    )
    await shop.client.patch(
        shop.key("NetworkPolicy", "shop-web"), {"spec": {"ingress": [{}]}}, field_manager="somebody"
    )
    await shop.client.delete(shop.key("Service", "shop-web"))
    await shop.client.delete(shop.key("ServiceAccount", "shop-web"))

    async def repaired() -> bool:
        deployment = await shop.get("Deployment", "shop-web")
        policy = await shop.get("NetworkPolicy", "shop-web")
        return (
            deployment["spec"]["template"]["spec"]["containers"][0]["image"] == "consumerapp/user:0.1.0"
            and {} not in policy["spec"].get("ingress", [])
            and await shop.find("Service", "shop-web") is not None
            and await shop.find("ServiceAccount", "shop-web") is not None
        )

    await shop.until(repaired)

    async def told() -> bool:
        return "DriftRepaired" in await shop.events()

    await shop.until(told)


async def test_what_leaves_the_spec_goes_and_the_rest_stays(shop: Shop) -> None:
    await shop.apply(service("web"), service("extra"))
    await shop.until(shop.is_ready, 90)
    kept = (await shop.get("Deployment", "shop-web"))["metadata"]["uid"]
    await shop.apply(service("web"))

    async def gone() -> bool:
        found = [
            await shop.find(kind, "shop-extra") for kind in ("Deployment", "Service", "ServiceAccount", "NetworkPolicy")
        ]
        return found == [None, None, None, None]

    await shop.until(gone)
    assert (await shop.get("Deployment", "shop-web"))["metadata"]["uid"] == kept
    assert "Pruned" in await shop.events()


async def test_a_spec_that_only_the_operator_can_refuse_changes_nothing(shop: Shop) -> None:
    await shop.apply(service("web"))
    await shop.until(shop.is_ready, 90)
    before = await shop.versions()
    await shop.apply(service("web", calls=["nobody"]), service("extra"))

    async def refused() -> bool:
        return (await shop.condition("SpecValid")).get("status") == "False"

    await shop.until(refused)
    message = (await shop.condition("SpecValid"))["message"]
    assert "spec.services" in message
    assert "nobody" in message
    assert (await shop.condition("Ready"))["status"] == "True", "what runs goes on, and is said to"
    assert await shop.versions() == before
    assert await shop.find("Deployment", "shop-extra") is None
    assert "SpecRefused" in await shop.events()

    await shop.apply(service("web"), service("extra"))
    await shop.until(shop.is_ready, 60)
    assert await shop.find("Deployment", "shop-extra") is not None


async def test_an_apply_that_was_cut_off_is_completed_by_the_next_operator(shop: Shop, operator: Operator) -> None:
    await shop.apply(*(service(f"web{index}") for index in range(6)))

    async def begun() -> bool:
        return len(await shop.versions()) > 0

    await shop.until(begun)
    await operator.kill()
    cut_off = await shop.versions()
    await operator.start()  # the same name: it need not wait for the Lease to run out

    async def complete() -> bool:
        return all([await shop.find("Deployment", f"shop-web{index}") is not None for index in range(6)])

    await shop.until(complete, 40)
    whole = await shop.versions()
    assert {name: whole[name] for name in cut_off} == cut_off, "what was done is not done again"


async def test_what_the_api_server_refuses_is_in_the_status(shop: Shop) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "none", "namespace": shop.namespace},
        "spec": {"hard": {"count/services": "0"}},
    }
    path = f"/api/v1/namespaces/{shop.namespace}/resourcequotas"
    await shop.client.request("POST", path, quota)

    async def enforced() -> bool:
        return bool((await shop.client.request("GET", f"{path}/none")).get("status", {}).get("hard"))

    async with asyncio.timeout(10):
        while not await enforced():  # noqa: ASYNC110 - in the cluster
            await asyncio.sleep(0.1)
    await shop.apply(service("web"))

    async def told() -> bool:
        ready = await shop.condition("Ready")
        return (ready.get("status"), ready.get("reason")) == ("False", "ApplyFailed")

    await shop.until(told)
    assert "exceeded quota: none" in (await shop.condition("Ready"))["message"]
    assert await shop.find("Deployment", "shop-web") is not None, "the others are not kept from it"
    await shop.client.request("DELETE", f"{path}/none")
    await shop.until(shop.is_ready, 90)


async def test_an_image_that_cannot_be_had_is_named(shop: Shop) -> None:
    await shop.apply({**service("web"), "image": "nowhere.invalid/none:1"})

    async def named() -> bool:
        ready = await shop.condition("Ready")
        return ready.get("status") == "False" and ready["reason"] in ("ImagePullBackOff", "ErrImageNeverPull")

    await shop.until(named, 60)
    message = (await shop.condition("Ready"))["message"]
    assert "container service of pod shop-web-" in message
    assert "nowhere.invalid/none:1" in message


async def test_deletion_takes_everything_and_is_said_at_once(shop: Shop) -> None:
    await shop.apply(service("web"))
    await shop.until(shop.is_ready, 90)
    key = shop.key(KIND, "shop")
    # Somebody else's finalizer: with it the app stays for a while, and must not be called ready meanwhile.
    await shop.client.patch(key, {"metadata": {"finalizers": ["consumerapp.io/test"]}})
    await shop.client.delete(key)

    async def told() -> bool:
        ready = await shop.condition("Ready")
        return (ready["status"], ready["reason"]) == ("False", "Deleting")

    await shop.until(told)
    await shop.client.patch(key, {"metadata": {"finalizers": None}})
    async with asyncio.timeout(60):
        while await shop.versions():  # noqa: ASYNC110 - in the cluster
            await asyncio.sleep(0.2)
