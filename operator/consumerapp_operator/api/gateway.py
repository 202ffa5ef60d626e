"""What the gateway does for clients of the app: browsers of other origins, and phones on slow networks."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from consumerapp_operator.api.base import Model, rules

Origin = Annotated[str, Field(pattern=r"^(\*|[a-z][a-z0-9+.-]*://[a-z0-9.-]+(:[0-9]{1,5})?)$", max_length=253)]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$", max_length=64)]


class Method(StrEnum):
    GET = "GET"
    HEAD = "HEAD"
    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"


class Cors(Model):
    """Which web pages of other origins may call the app. Native clients need none of it."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "!has(self.allowCredentials) || !self.allowCredentials || !self.allowOrigins.exists(o, o == '*')",
                "allowCredentials would let every web site act as a signed-in customer; "
                "name the origins in allowOrigins instead of *",
            )
        )
    )
    allow_origins: list[Origin] = Field(
        min_length=1, max_length=32,
        description="Origins as browsers send them, such as https://shop.example.com; * is any.",
    )  # fmt: skip
    allow_methods: list[Method] = Field(
        default=list(Method), min_length=1, max_length=6, description="Methods that a page may use."
    )
    allow_headers: list[HeaderName] = Field(
        default=["Authorization", "Content-Type", "Idempotency-Key"], max_length=32,
        description="Request headers that a page may set.",
    )  # fmt: skip
    expose_headers: list[HeaderName] = Field(
        default=["Location", "Retry-After", "X-Request-Id"], max_length=32,
        description="Response headers that a page may read.",
    )  # fmt: skip
    allow_credentials: bool = Field(
        default=False, description="Whether pages may send cookies. A token in Authorization does not need it."
    )
    max_age_seconds: int = Field(
        default=600, ge=0, le=86400, description="How long a browser may remember the answer to a preflight."
    )


class Compression(Model):
    """Compresses answers with Brotli or gzip, whichever the client says that it prefers."""

    minimum_bytes: int = Field(
        default=1024, ge=30, le=1048576,
        description="Shorter answers stay as they are. A change of it renews clients' connections.",
    )  # fmt: skip
