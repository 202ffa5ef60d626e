"""An operator of the test's own, in the cluster, beside the one that serves everybody else.

It runs where the installed one does, since an app's network policies let nobody but that namespace ask the gateways,
with the same image, account and settings; its class keeps the two apart.
"""

from __future__ import annotations

import asyncio
import copy
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from consumerapp_operator.api.kinds import LEASE, POD
from consumerapp_operator.apply.client import ApiError, Client
from consumerapp_operator.plan.model import Manifest, ObjectKey

DEPLOYMENT = Path(__file__).parents[3] / "manifests" / "base" / "deployment.yaml"
NAMESPACE = "consumerapp-system"
LINE = re.compile(r'consumerapp_api_writes_total\{kind="(\w+)",result="(\w+)",verb="(\w+)"\} (\S+)')
RIGHTS = "/apis/rbac.authorization.k8s.io/v1/namespaces/" + NAMESPACE


class Operator:
    """`await start()`, `await stop()` (as Kubernetes ends a pod) or `await kill()` (at once); any number of times."""

    def __init__(self, client: Client, watched: str) -> None:
        self._client = client
        self._watched = watched
        self._name = f"operator-{watched}"
        self._lease = f"consumerapp-operator-{watched}"

    async def install(self) -> None:
        """The right to its own Lease; all others it has from the installed operator's account."""
        try:
            await self._client.request("GET", f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/consumerapp-operator")
        except ApiError as error:
            pytest.fail(f"the operator is not installed: {error}; run kubectl apply -k manifests/local")
        rule = {"apiGroups": [LEASE.group], "resources": ["leases"], "verbs": ["get", "update"]}
        metadata = {"name": self._lease}
        subject = {"kind": "ServiceAccount", "name": "consumerapp-operator", "namespace": NAMESPACE}
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": self._lease}
        await self._client.request("POST", f"{RIGHTS}/roles", {"metadata": metadata, "rules": [rule]})
        await self._client.request(
            "POST", f"{RIGHTS}/rolebindings", {"metadata": metadata, "roleRef": role, "subjects": [subject]}
        )

    async def remove(self) -> None:
        await self.kill()
        for path in (
            f"{RIGHTS}/roles/{self._lease}",
            f"{RIGHTS}/rolebindings/{self._lease}",
            LEASE.path(NAMESPACE, self._lease),
        ):
            await self._client.request("DELETE", path)

    async def start(self) -> None:
        """Returns once the operator leads and is ready."""
        await self._client.request("POST", POD.path(NAMESPACE), self._pod())
        try:
            async with asyncio.timeout(60):
                while not await self._leads():  # noqa: ASYNC110 - in the cluster
                    await asyncio.sleep(0.1)
        except TimeoutError:
            pytest.fail(f"the operator did not start: {await self.log()}")

    async def stop(self) -> None:
        """As in a rollout: SIGTERM, and time to end."""
        await self._end(30)

    async def kill(self) -> None:
        await self._end(0)

    async def holder(self) -> str:
        """Who holds its Lease; empty when it was given back."""
        lease = await self._client.get(ObjectKey(LEASE.api_version, LEASE.kind, NAMESPACE, self._lease))
        return str(lease["spec"]["holderIdentity"])

    async def log(self) -> str:
        try:
            return (await self._client.text(f"{POD.path(NAMESPACE, self._name, 'log')}?tailLines=40"))[-4000:]
        except ApiError as error:
            return str(error)

    async def writes(self) -> Mapping[tuple[str, str, str], float]:
        """Write requests since the start by (verb, kind, result), the Lease's left out."""
        found = LINE.findall(await self._get("metrics"))
        return {(verb, kind, result): float(count) for kind, result, verb, count in found if kind != "Lease"}

    async def _leads(self) -> bool:
        try:
            return "consumerapp_leading 1.0" in await self._get("metrics") and await self._get("readyz") == "ok"
        except ApiError:
            return False

    async def _get(self, path: str) -> str:
        return await self._client.text(f"{POD.path(NAMESPACE, f'{self._name}:8080', 'proxy')}/{path}")

    async def _end(self, seconds: int) -> None:
        key = ObjectKey(POD.api_version, POD.kind, NAMESPACE, self._name)
        try:
            await self._client.request("DELETE", POD.path(NAMESPACE, self._name), {"gracePeriodSeconds": seconds})
            async with asyncio.timeout(40):
                while await self._client.get(key):  # noqa: ASYNC110 - in the cluster
                    await asyncio.sleep(0.2)
        except ApiError as error:
            if error.status != 404:
                raise

    def _pod(self) -> Manifest:
        deployment = next(yaml.safe_load_all(DEPLOYMENT.read_text()))
        spec: dict[str, Any] = copy.deepcopy(deployment["spec"]["template"]["spec"])
        environment = {"OPERATOR_CLASS": self._watched, "WATCH_NAMESPACES": self._watched}
        spec["containers"][0]["env"] += [{"name": name, "value": value} for name, value in environment.items()]
        return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": self._name}, "spec": spec}
