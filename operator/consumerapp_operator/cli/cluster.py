"""What the commands read from the cluster. Nothing here writes: the one PUT and POST are dry runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import kopf
import orjson

from consumerapp_operator import settings
from consumerapp_operator.api.kinds import APP, CHILDREN, EVENT, POD, kind_of
from consumerapp_operator.api.names import (
    ADMIN_PORT,
    COMPONENT_GATEWAY,
    KIND,
    LABEL_CLASS,
    LABEL_COMPONENT,
    LABEL_MANAGED_BY,
    LABEL_PART_OF,
    MANAGED_BY,
)
from consumerapp_operator.apply.client import ApiError, Client
from consumerapp_operator.apply.connection import Connection, login
from consumerapp_operator.apply.limiter import Limiter
from consumerapp_operator.cli.failure import CannotAnswer, of_api
from consumerapp_operator.cli.overview import Seen
from consumerapp_operator.cli.upstreams import CLUSTERS_PATH, Views, parse
from consumerapp_operator.observe.trim import trim
from consumerapp_operator.plan.live import has_labels, is_ready
from consumerapp_operator.plan.model import Images, Manifest, ObjectKey

VIEW_SECONDS = 3.0
_NO_KUBECONFIG = "no cluster is named: set KUBECONFIG, or make ~/.kube/config with a current context"


class Cluster:
    """One cluster, as its user may see it."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client = client
        self.namespace = namespace

    async def app(self, name: str) -> Manifest:
        """Raises CannotAnswer that names the apps there are."""
        found = await self.find(name)
        if found is not None:
            return found
        apps = await self.names()
        there = f"there are: {', '.join(apps)}" if apps else "there is none; name another with -n"
        raise CannotAnswer(f"no ConsumerApp {name} in namespace {self.namespace}; {there}")

    async def find(self, name: str) -> Manifest | None:
        try:
            return await self._client.get(ObjectKey(APP.api_version, KIND, self.namespace, name))
        except ApiError as error:
            if error.status == 404 and "could not find the requested resource" not in error.message:
                return None
            raise of_api(error, f"read ConsumerApp {self.namespace}/{name}") from error

    async def names(self) -> list[str]:
        """Of the namespace's apps."""
        try:
            return sorted([str(item["metadata"]["name"]) async for item in self._client.list(APP, "", self.namespace)])
        except ApiError as error:
            raise of_api(error, "list ConsumerApps") from error

    async def children(self, app: str) -> dict[ObjectKey, Manifest]:
        """Everything that bears the app's labels, whole: see `trimmed`."""
        selector = f"{LABEL_MANAGED_BY}={MANAGED_BY},{LABEL_PART_OF}={app}"
        try:
            return {
                ObjectKey.of(item): item
                for kind in CHILDREN
                async for item in self._client.list(kind, selector, self.namespace)
            }
        except ApiError as error:
            raise of_api(error, f"read what {app} consists of") from error

    async def seen(self, name: str) -> Seen:
        """All that `status` shows."""
        body = await self.app(name)
        children = await self.children(name)
        pods = [manifest for key, manifest in children.items() if key.kind == "Pod"]
        gateways = [pod for pod in pods if has_labels(pod, {LABEL_COMPONENT: COMPONENT_GATEWAY}) and is_ready(pod)]
        answers = await asyncio.gather(*(self._view(pod) for pod in gateways))
        views = [answer for answer in answers if not isinstance(answer, str)]
        missing = next((answer for answer in answers if isinstance(answer, str)), "") if not views else ""
        return Seen(
            {"apiVersion": APP.api_version, "kind": KIND, **body},
            trimmed(children),
            pods,
            views,
            f"what the gateway sees cannot be shown: {missing}" if missing else "",
        )

    async def events(self, name: str) -> list[Manifest]:
        fields = f"involvedObject.kind={KIND},involvedObject.name={name}"
        path = f"{EVENT.path(self.namespace)}?{urlencode({'fieldSelector': fields})}"
        try:
            return list((await self._client.request("GET", path))["items"])
        except ApiError as error:
            raise of_api(error, f"read the Events of {name}") from error

    async def images(self, app: Manifest, operator_namespace: str) -> Images:
        """The images of the operator that serves the app, from its Deployment's environment."""
        wanted = (app["metadata"].get("labels") or {}).get(LABEL_CLASS, "")
        try:
            deployments = [
                item async for item in self._client.list(kind_of("apps/v1", "Deployment"), "", operator_namespace)
            ]
        except ApiError as error:
            raise of_api(error, f"read the operator's Deployment in {operator_namespace}") from error
        for deployment in deployments:
            for container in deployment["spec"]["template"]["spec"]["containers"]:
                found = {item["name"]: item.get("value", "") for item in container.get("env") or ()}
                if "IMAGE_GATEWAY" in found and found.get("OPERATOR_CLASS", "") == wanted:
                    try:
                        return settings.read(found).images
                    except settings.InvalidSettings as error:
                        message = f"the operator in {operator_namespace} is of another version than this command"
                        raise CannotAnswer(f"{message}: {error}") from error
        of_class = f" of class {wanted}" if wanted else ""
        raise CannotAnswer(
            f"no operator{of_class} in namespace {operator_namespace}, so its images are not known; "
            "name its namespace with --operator-namespace"
        )

    async def dry_run(self, live: Manifest | None, proposed: Mapping[str, Any]) -> Manifest:
        """The resource as the API server would keep it, defaults and all. Raises ApiError with what it refuses."""
        name = proposed["metadata"]["name"]
        options = "?dryRun=All&fieldValidation=Strict"
        if live is None:
            return await self._client.request("POST", APP.path(self.namespace) + options, proposed)
        body = {**live, "apiVersion": APP.api_version, "kind": KIND, "spec": proposed.get("spec") or {}}
        return await self._client.request("PUT", APP.path(self.namespace, name) + options, body)

    async def _view(self, pod: Manifest) -> Views | str:
        """What a gateway pod sees; in words why it cannot be asked."""
        name = pod["metadata"]["name"]
        path = POD.path(self.namespace, f"{name}:{ADMIN_PORT}", f"proxy/{CLUSTERS_PATH}")
        try:
            async with asyncio.timeout(VIEW_SECONDS):
                return parse(orjson.loads(await self._client.text(path)))
        except TimeoutError:
            return f"gateway pod {name} does not answer within {VIEW_SECONDS:g} s through the API server"
        except ApiError as error:
            if error.status == 404:
                return f"gateway pod {name} does not offer it yet; an operator of this version brings it"
            if error.status == 403:
                return "reading it takes the right to get pods/proxy"
            return f"gateway pod {name} cannot be reached through the API server ({error.reason})"
        except orjson.JSONDecodeError:
            return f"gateway pod {name} answers something else than JSON"


def trimmed(children: Mapping[ObjectKey, Manifest]) -> dict[ObjectKey, Manifest]:
    """As the operator keeps them; of Secrets no value stays."""
    return {key: trim(manifest) for key, manifest in children.items()}


@asynccontextmanager
async def connected(namespace: str | None) -> AsyncIterator[Cluster]:
    """The cluster of KUBECONFIG's current context, and its namespace unless another is named."""
    try:
        info = login()
        connection = Connection(lambda: info)
    except (kopf.LoginError, OSError, KeyError) as error:
        raise CannotAnswer(f"{_NO_KUBECONFIG} ({error})") from error
    # Nothing is written, so nothing is counted or limited.
    client = Client(connection, Limiter(rate=100, burst=100), lambda *_: None)
    try:
        yield Cluster(client, namespace or info.default_namespace or "default")
    finally:
        await client.close()
