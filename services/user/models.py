"""What the user service takes and gives."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

# Shape only: whether an address exists is known when a message reaches it.
Email = Annotated[
    str, Field(max_length=254, pattern=r"^[^@\s\x00]+@[^@\s\x00]+\.[^@\s\x00]+$"), AfterValidator(str.lower)
]
# PostgreSQL stores any character but NUL.
DisplayName = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\x00]+$")]


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class SignUp(_Input):
    """A new account."""

    email: Email
    password: SecretStr = Field(min_length=8, max_length=128)
    display_name: DisplayName


class Login(_Input):
    """An address and its password."""

    email: Email
    password: SecretStr = Field(max_length=128)


class ProfileChange(_Input):
    """What a customer changes of their profile; what is left out stays."""

    display_name: DisplayName | None = None


class User(BaseModel):
    """A customer's profile."""

    id: UUID
    email: str
    display_name: str
    created_at: datetime


class Session(BaseModel):
    """A login: the token to send as `Authorization: Bearer …`, and for how many seconds it is valid."""

    access_token: str
    token_type: str = "Bearer"
    expires_in: int


class KeyDocument(BaseModel):
    """A JSON Web Key Set (RFC 7517)."""

    keys: list[dict[str, str]]
