"""Requests to the API server: raw JSON in and out, every write counted and rate-limited.

Typed models are left out on purpose: they decode 20 times slower than JSON and hold five times the memory.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import aiohttp
import orjson

from consumerapp_operator.api.kinds import Kind, kind_of
from consumerapp_operator.api.names import FIELD_MANAGER
from consumerapp_operator.apply.connection import Connection
from consumerapp_operator.apply.limiter import Limiter
from consumerapp_operator.plan.model import Manifest, ObjectKey

CountWrite = Callable[[str, str, str], None]
"""Called with verb, kind and result (`ok`, or the HTTP status, or `unreachable`) of each write request."""

# JSON is YAML, too. With any other type the server would silently merge instead of applying.
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
JSON = "application/json"
CHUNK = 500
TIMEOUT = aiohttp.ClientTimeout(total=30, connect=10)


class ApiError(Exception):
    """The API server did not do what it was asked.

    `status` is the HTTP status, 0 when there was no answer; `causes` are (field, message) where it names
    fields.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        causes: tuple[tuple[str, str], ...] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{status} {reason}: {message}" if status else f"{reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message
        self.causes = causes
        self.retry_after = retry_after


class NamespaceTerminating(ApiError):  # noqa: N818 - what it is
    """Nothing can be created in a namespace that is being deleted, and nothing needs to be."""


class Client:
    """The operator's only way to the API server, beside kopf's watches. To be closed."""

    def __init__(self, connection: Connection, limiter: Limiter, count_write: CountWrite) -> None:
        self._connection = connection
        self._limiter = limiter
        self._count_write = count_write
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=connection.ssl_context, limit=32), timeout=TIMEOUT
        )

    async def close(self) -> None:
        await self.session.close()

    async def get(self, key: ObjectKey, subresource: str = "") -> Manifest:
        return await self.request("GET", _path(key, subresource))

    async def list(self, kind: Kind, selector: str = "", namespace: str | None = None) -> AsyncIterator[Manifest]:
        """All objects of a kind, asked for in chunks. Each bears its apiVersion and kind, which a list leaves
        out.
        """
        parameters = {"limit": str(CHUNK), **({"labelSelector": selector} if selector else {})}
        while True:
            chunk = await self.request("GET", f"{kind.path(namespace)}?{urlencode(parameters)}")
            for item in chunk["items"]:
                yield {**item, "apiVersion": kind.api_version, "kind": kind.kind}
            following = chunk["metadata"].get("continue")
            if not following:
                return
            parameters["continue"] = following

    async def apply(self, manifest: Manifest) -> Manifest:
        """Server-side apply, forced: what we name is ours, whoever wrote it last."""
        key = ObjectKey.of(manifest)
        path = f"{_path(key)}?fieldManager={FIELD_MANAGER}&force=true"
        return await self._write("apply", key.kind, "PATCH", path, manifest, APPLY)

    async def create(self, manifest: Manifest) -> Manifest:
        """Raises ApiError 409 if it exists."""
        metadata = manifest["metadata"]
        kind = kind_of(manifest["apiVersion"], manifest["kind"])
        path = f"{kind.path(metadata['namespace'])}?fieldManager={FIELD_MANAGER}"
        return await self._write("create", kind.kind, "POST", path, manifest, JSON)

    async def replace(self, manifest: Manifest) -> Manifest:
        """PUT. With metadata.resourceVersion, raises ApiError 409 if somebody else was faster."""
        key = ObjectKey.of(manifest)
        return await self._write("update", key.kind, "PUT", _path(key), manifest, JSON)

    async def patch(
        self,
        key: ObjectKey,
        body: Mapping[str, Any],
        subresource: str = "",
        *,
        field_manager: str = FIELD_MANAGER,
    ) -> Manifest:
        """JSON merge patch of an object or its subresource; counted under the subresource's name, if there is
        one.
        """
        path = f"{_path(key, subresource)}?fieldManager={field_manager}"
        return await self._write(subresource or "patch", key.kind, "PATCH", path, body, MERGE)

    async def delete(self, key: ObjectKey, uid: str | None = None) -> None:
        """Delete the object, its dependents in the background. It is fine if it is gone.

        With `uid`, raises ApiError 409 if another object bears the name by now.
        """
        options: dict[str, Any] = {"propagationPolicy": "Background"}
        if uid:
            options["preconditions"] = {"uid": uid}
        try:
            await self._write("delete", key.kind, "DELETE", _path(key), options, JSON)
        except ApiError as error:
            if error.status != 404:
                raise

    async def _write(
        self, verb: str, kind: str, method: str, path: str, body: Mapping[str, Any], content_type: str
    ) -> Manifest:
        await self._limiter.wait()
        try:
            answer = await self.request(method, path, body, content_type)
        except ApiError as error:
            self._count_write(verb, kind, str(error.status or "unreachable"))
            raise
        self._count_write(verb, kind, "ok")
        return answer

    async def request(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, content_type: str = JSON
    ) -> Manifest:
        """One request as it is, neither counted nor limited: for reading. Raises ApiError."""
        answer: Manifest = orjson.loads(await self._answer(method, path, body, content_type))
        return answer

    async def text(self, path: str) -> str:
        """GET of something that is no object, such as a log. Raises ApiError."""
        return (await self._answer("GET", path, None, JSON)).decode()

    async def _answer(self, method: str, path: str, body: Mapping[str, Any] | None, content_type: str) -> bytes:
        data = None if body is None else orjson.dumps(body)
        status, headers, payload = await self._send(method, path, data, content_type)
        if status == 401:
            self._connection.refresh()
            status, headers, payload = await self._send(method, path, data, content_type)
        if status >= 400:
            raise _error(status, headers, payload)
        return payload

    async def _send(
        self, method: str, path: str, data: bytes | None, content_type: str
    ) -> tuple[int, Mapping[str, str], bytes]:
        headers = {**self._connection.headers(), "Accept": "*/*", "Content-Type": content_type}
        try:
            async with self.session.request(
                method, self._connection.server + path, data=data, headers=headers
            ) as response:
                return response.status, response.headers, await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ApiError(0, type(error).__name__, f"{method} {path.partition('?')[0]}: {error}") from error


def _path(key: ObjectKey, subresource: str = "") -> str:
    return kind_of(key.api_version, key.kind).path(key.namespace, key.name, subresource)


def _error(status: int, headers: Mapping[str, str], payload: bytes) -> ApiError:
    """From a metav1.Status, or from whatever a proxy in between has to say."""
    try:
        answer = orjson.loads(payload)
    except orjson.JSONDecodeError:
        answer = None
    body: dict[str, Any] = answer if isinstance(answer, dict) else {"message": payload[:500].decode(errors="replace")}
    causes = (body.get("details") or {}).get("causes") or ()
    retry_after = headers.get("Retry-After", "")
    terminating = any(cause.get("reason") == "NamespaceTerminating" for cause in causes)
    return (NamespaceTerminating if terminating else ApiError)(
        status,
        str(body.get("reason") or "Unknown"),
        str(body.get("message") or "no message"),
        tuple((str(cause.get("field", "")), str(cause.get("message", ""))) for cause in causes),
        float(retry_after) if retry_after.isdigit() else None,
    )
