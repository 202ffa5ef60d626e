"""Errors as a client gets them: RFC 9457 ``application/problem+json``."""

from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from shop.database import DatabaseUnavailable

MEDIA_TYPE = "application/problem+json"


class ProblemDocument(BaseModel):
    """What is wrong, for programs by ``type`` and for people by ``title`` and ``detail``."""

    model_config = ConfigDict(extra="allow")
    type: str = Field(examples=["urn:shop:problem:email-taken"])
    title: str
    status: int
    detail: str = ""


class Problem(Exception):  # noqa: N818 - it is what the RFC calls it, and not always the program's error
    """Raised anywhere while a request is served; answered as a problem document.

    ``kind`` is the last part of the document's type and part of the API. ``extra`` is added to the document.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        title: str,
        detail: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(f"{status} {kind}: {detail or title}")
        self.status, self.kind, self.title, self.detail = status, kind, title, detail
        self.headers, self.extra = headers, extra

    def response(self) -> Response:
        """The answer."""
        document = {
            "type": f"urn:shop:problem:{self.kind}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            **self.extra,
        }
        return Response(orjson.dumps(document), self.status, self.headers, MEDIA_TYPE)


def retry_later(kind: str, title: str, detail: str, seconds: int = 1) -> Problem:
    """503: the same request may well succeed after ``seconds``."""
    return Problem(503, kind, title, detail, headers={"retry-after": str(seconds)})


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of a route that answers problems with these statuses, for its OpenAPI document."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
    return {status: {"description": "A problem", "content": content} for status in statuses}


def install(app: FastAPI) -> None:
    """Makes every error of the application a problem document."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(DatabaseUnavailable, _on_database)
    app.add_exception_handler(Exception, _on_bug)


async def _on_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return error.response()


async def _on_invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    # Where and what, but not the value: it may be a password.
    errors = [{"in": ".".join(map(str, e["loc"])), "message": e["msg"]} for e in error.errors()]
    detail = "; ".join(f"{e['in']}: {e['message']}" for e in errors)
    return Problem(422, "invalid-request", "The request is not valid", detail, errors=errors).response()


async def _on_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kinds = {404: "not-found", 405: "method-not-allowed"}
    problem = Problem(error.status_code, kinds.get(error.status_code, "http"), str(error.detail), headers=error.headers)
    return problem.response()


async def _on_database(_: Request, error: Exception) -> Response:
    return retry_later("database-unavailable", "The database cannot be reached", str(error)).response()


async def _on_bug(_: Request, __: Exception) -> Response:
    # The traceback goes to the log (the server writes it); the client learns nothing of the inside.
    return Problem(500, "internal", "The service failed; the fault is not in the request").response()
