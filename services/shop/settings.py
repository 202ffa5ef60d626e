"""A service's settings: all from the environment, and what is wrong there is said at the start."""

from collections.abc import Mapping
from dataclasses import dataclass, field


class SettingsError(ValueError):
    """A variable is missing or has a value that cannot be used; the message names it."""


@dataclass(frozen=True)
class Settings:
    """What a service was told by its environment. Times are seconds."""

    service: str
    port: int = 8080
    database_url: str = field(default="", repr=False)  # repr=False: connection strings carry passwords
    database_read_url: str = field(default="", repr=False)  # "": there are no read replicas
    cache_url: str = field(default="", repr=False)  # "": there is no cache
    bus_url: str = ""  # "": there is no bus
    call_urls: Mapping[str, str] = field(default_factory=dict)
    pool_max: int = 5
    statement_timeout: float = 3.0
    acquire_timeout: float = 5.0  # rides out a failover of the database, which takes 2 to 5
    replica_lag_max: float = 2.0
    request_timeout: float = 10.0
    call_timeout: float = 5.0
    ready_grace: float = 30.0
    shutdown_grace: float = 20.0
    # Longer than any proxy keeps an idle connection (Envoy: an hour): the side that sends requests must be
    # the one to close, else a request crosses with the close and is lost.
    keep_alive: int = 3660

    def call_url(self, callee: str) -> str:
        """The base URL under which this service calls another. Raises SettingsError when it may not."""
        try:
            return self.call_urls[callee].rstrip("/")
        except KeyError:
            raise SettingsError(
                f"{callee.upper()}_URL is not set: {self.service} needs the base URL of {callee}"
            ) from None


def from_environment(service: str, environment: Mapping[str, str]) -> Settings:
    """Reads the variables of the service contract, and the few that tune this code (see ``Settings``)."""
    defaults = Settings(service)

    def number(variable: str, default: float) -> float:
        text = environment.get(variable, "")
        try:
            value = float(text or default)
        except ValueError:
            raise SettingsError(f"{variable}={text!r} is not a number") from None
        if value <= 0:
            raise SettingsError(f"{variable}={text!r} must be greater than 0")
        return value

    calls = {
        name.removesuffix("_URL").lower(): value
        for name, value in environment.items()
        if name.endswith("_URL") and name not in ("DATABASE_URL", "DATABASE_READ_URL", "CACHE_URL", "BUS_URL")
    }
    primary, read = environment.get("DATABASE_URL", ""), environment.get("DATABASE_READ_URL", "")
    return Settings(
        service=service,
        port=int(number("PORT", defaults.port)),
        database_url=primary,
        database_read_url="" if read == primary else read,
        cache_url=environment.get("CACHE_URL", ""),
        bus_url=environment.get("BUS_URL", ""),
        call_urls=calls,
        pool_max=int(number("DATABASE_POOL_MAX", defaults.pool_max)),
        statement_timeout=number("DATABASE_STATEMENT_TIMEOUT_SECONDS", defaults.statement_timeout),
        acquire_timeout=number("DATABASE_ACQUIRE_TIMEOUT_SECONDS", defaults.acquire_timeout),
        replica_lag_max=number("DATABASE_REPLICA_LAG_MAX_SECONDS", defaults.replica_lag_max),
        request_timeout=number("REQUEST_TIMEOUT_SECONDS", defaults.request_timeout),
        call_timeout=number("CALL_TIMEOUT_SECONDS", defaults.call_timeout),
        ready_grace=number("READY_GRACE_SECONDS", defaults.ready_grace),
        shutdown_grace=number("SHUTDOWN_GRACE_SECONDS", defaults.shutdown_grace),
        keep_alive=int(number("KEEP_ALIVE_SECONDS", defaults.keep_alive)),
    )
