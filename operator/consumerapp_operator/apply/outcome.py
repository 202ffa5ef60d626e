"""What came of a plan: what was written and why, and what the API server refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from consumerapp_operator.apply.client import ApiError, NamespaceTerminating
from consumerapp_operator.plan.model import Failure, Manifest, ObjectKey

Learn = Callable[[Manifest], object]
"""Told what the API server answered to a write, so that the next plan need not wait for the watch to bring
it.
"""


@dataclass(frozen=True)
class Write:
    """One write that was made. `cause` is a Difference's cause, or Pruned, Created or Patched."""

    key: ObjectKey
    cause: str
    detail: str


@dataclass(frozen=True)
class Outcome:
    """Writes made and refused. `terminating`: the namespace is being deleted, so no more can be done."""

    writes: tuple[Write, ...] = ()
    failures: tuple[Failure, ...] = ()
    terminating: bool = False

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(
            self.writes + other.writes, self.failures + other.failures, self.terminating or other.terminating
        )


async def attempt(write: Write, request: Callable[[], Awaitable[Manifest | None]], learn: Learn) -> Outcome:
    """Make one request; the API server's refusal is an outcome, not an end."""
    try:
        answer = await request()
    except NamespaceTerminating:
        return Outcome(terminating=True)
    except ApiError as error:
        field, message = error.causes[0] if error.causes else ("", error.message)
        return Outcome(failures=(Failure(write.key, error.status, field, message),))
    if answer is not None:
        learn(answer)
    return Outcome(writes=(write,))
