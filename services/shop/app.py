"""Makes a service's web application from its routes and what they use."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Protocol

import orjson
from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from shop import problems
from shop.health import Readiness
from shop.request_scope import RequestScope
from shop.settings import Settings

QUIET = frozenset({"/livez", "/readyz", "/metrics"})


class Resource(Protocol):
    """Opened before the first request, closed after the last."""

    async def open(self) -> None: ...
    async def close(self) -> None: ...


def create_app(
    settings: Settings,
    *,
    title: str,
    description: str,
    routers: Sequence[APIRouter],
    resources: Sequence[Resource],
    readiness: Readiness,
) -> FastAPI:
    """The application: the service's routes, health, metrics, and its OpenAPI document at /openapi.json."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for resource in resources:
                await resource.open()
                stack.push_async_callback(resource.close)
            yield

    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)

    async def livez(_: Request) -> Response:
        return PlainTextResponse("ok")

    async def readyz(_: Request) -> Response:
        reason = await readiness.reason_unready()
        return PlainTextResponse("ok") if reason is None else PlainTextResponse(reason, 503)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(registry), media_type="text/plain; version=0.0.4; charset=utf-8")

    app = FastAPI(
        title=title,
        description=description,
        version="0.1.0",
        lifespan=lifespan,
        docs_url=None,  # these pages load scripts from elsewhere
        redoc_url=None,
        # Plain routes, outside of the OpenAPI document and of FastAPI's machinery.
        routes=[Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", metrics)],
    )
    for router in routers:
        app.include_router(router)
    problems.install(app)
    app.add_middleware(RequestScope, timeout=settings.request_timeout, registry=registry, quiet=QUIET)

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _with_problems(
                get_openapi(title=title, description=description, version=app.version, routes=app.routes)
            )
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to change the document
    return app


def openapi_text(app: FastAPI) -> bytes:
    """The OpenAPI document as it is committed."""
    return orjson.dumps(app.openapi(), option=orjson.OPT_INDENT_2) + b"\n"


def _with_problems(document: dict[str, Any]) -> dict[str, Any]:
    """The document with our problems in place of the validation errors that FastAPI supposes."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for schema in ("HTTPValidationError", "ValidationError"):
        schemas.pop(schema, None)
    schemas["ProblemDocument"] = problems.ProblemDocument.model_json_schema()
    for path in document["paths"].values():
        for operation in path.values():
            if "422" in operation["responses"]:
                operation["responses"]["422"] = problems.documented(422)[422]
    return document
