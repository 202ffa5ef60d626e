"""The user service's routes."""

from datetime import UTC, datetime, timedelta

from fastapi import APIRouter

from shop import jwks, tokens
from shop.database import Database
from shop.problems import Problem, documented
from shop.tokens import Customer
from user import queries
from user.keys import SigningKeys
from user.models import KeyDocument, Login, ProfileChange, Session, SignUp, User
from user.passwords import Passwords

TOKEN_LIFETIME = timedelta(hours=1)


def routes(database: Database, passwords: Passwords, keys: SigningKeys, *, announce: bool) -> APIRouter:
    """The routes over these. ``announce``: sign-ups, on the bus, too."""
    router = APIRouter()
    current_customer = tokens.authenticated(keys.lookup)

    @router.post("/api/users", status_code=201, responses=documented(409, 503), tags=["account"])
    async def sign_up(new: SignUp) -> User:
        """Make an account. 409 when the address has one."""
        password_hash = await passwords.hash(new.password.get_secret_value())
        # Not repeatable: if the connection dies at the commit, a second try would answer 409 to the one who
        # signed up.
        user = await database.primary(
            lambda c: queries.insert_user(c, new.email, new.display_name, password_hash, announce=announce),
            repeatable=False,
        )
        if user is None:
            raise Problem(409, "email-taken", "This address has an account", "log in, or use another address")
        return user

    @router.post("/api/users/login", responses=documented(401, 503), tags=["account"])
    async def log_in(login: Login) -> Session:
        """Exchange address and password for a token."""
        # A replica will do, because a password hash never changes here; who is not there yet has just signed
        # up.
        account = await database.stale(lambda c: queries.account(c, login.email)) or await database.primary(
            lambda c: queries.account(c, login.email), repeatable=True
        )
        matches = await passwords.verify(account.password_hash if account else None, login.password.get_secret_value())
        if account is None or not matches:
            raise Problem(401, "wrong-credentials", "Address and password do not belong together")
        key_id, key = await keys.signing()
        token = tokens.issue(key_id, key, account.id, datetime.now(UTC), TOKEN_LIFETIME)
        return Session(access_token=token, expires_in=int(TOKEN_LIFETIME.total_seconds()))

    @router.get("/api/users/me", responses=documented(401, 404, 503), tags=["profile"])
    async def my_profile(customer: Customer = current_customer) -> User:
        """Your own profile."""
        # The primary: who has just changed their name wants to see the new one.
        return _found(await database.primary(lambda c: queries.profile(c, customer.id), repeatable=True))

    @router.patch("/api/users/me", responses=documented(401, 404, 503), tags=["profile"])
    async def change_my_profile(change: ProfileChange, customer: Customer = current_customer) -> User:
        """Change your profile."""
        return _found(
            await database.primary(
                lambda c: queries.change_profile(c, customer.id, change.display_name), repeatable=True
            )
        )

    @router.get(jwks.PATH, tags=["keys"], response_model=KeyDocument)
    async def public_keys() -> dict[str, list[dict[str, str]]]:
        """The keys that verify tokens."""
        return jwks.document(await keys.public())

    return router


def _found(user: User | None) -> User:
    if user is None:
        raise Problem(404, "no-such-user", "This account does not exist any more")
    return user
