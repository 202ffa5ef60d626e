"""What traffic to make, from the environment."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass


class SettingsError(ValueError):
    """A variable is missing or cannot be read; the message names it and its form."""


@dataclass(frozen=True)
class Phase:
    """For so many seconds, so many customers a second in the mean."""

    name: str
    seconds: float
    rate: float


@dataclass(frozen=True)
class Settings:
    """``run`` sets this run's customers apart from those of an earlier one on the same database."""

    target_url: str
    target_host: str  # "": that of the URL
    phases: tuple[Phase, ...]
    seed: int
    run: str
    customers_at_once: int
    request_timeout_seconds: float
    think_seconds: float


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Reads TARGET_URL, PHASES and the variables that have defaults. Raises SettingsError."""

    def number(variable: str, default: str) -> float:
        text = environment.get(variable, "") or default
        try:
            return float(text)
        except ValueError:
            raise SettingsError(f"{variable}={text!r} is not a number") from None

    target = environment.get("TARGET_URL", "").rstrip("/")
    if not target.startswith(("http://", "https://")):
        raise SettingsError(f"TARGET_URL={target!r} must be the shop's URL, like http://shop-gateway")
    return Settings(
        target_url=target,
        target_host=environment.get("TARGET_HOST", ""),
        phases=_phases(environment.get("PHASES", "")),
        seed=int(number("SEED", "1")),
        run=environment.get("RUN", "") or secrets.token_hex(4),
        customers_at_once=int(number("CUSTOMERS_AT_ONCE", "500")),
        request_timeout_seconds=number("REQUEST_TIMEOUT_SECONDS", "15"),
        think_seconds=number("THINK_SECONDS", "0.1"),
    )


def _phases(text: str) -> tuple[Phase, ...]:
    try:
        phases = tuple(
            Phase(name.strip(), float(seconds), float(rate))
            for name, seconds, rate in (part.split(":") for part in text.split(","))
        )
    except ValueError:
        phases = ()
    if not phases or any(phase.seconds <= 0 or phase.rate < 0 for phase in phases):
        raise SettingsError(f"PHASES={text!r} must be like quiet:40:2,surge:80:10 (name:seconds:customers a second)")
    return phases
