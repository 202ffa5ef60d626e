"""The next safe step on the way to fewer members of a PostgreSQL cluster under Patroni.

A StatefulSet always drops the highest ordinal. Dropped while it is the primary, or while commits still wait
for it, the rest would have no leader, or wait for votes of members that are gone: an outage nothing ends by
itself. So: first the primary moves to a member that stays, then one member goes, and the next only when
Patroni has let go of the last.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from consumerapp_operator.scale.model import Decision, Limit


@dataclass(frozen=True)
class Members:
    """A cluster as the API server has it. Members are pods, `<scope>-<ordinal>`.

    count: spec.replicas of the StatefulSet. present: ordinals of pods that exist, stopping ones included.
    ready: ordinals of ready ones. leader: the pod in Patroni's leader lock. synchronous: the pods that
    Patroni lists as those a commit waits for, leader included; empty when durability is asynchronous.
    """

    scope: str
    count: int
    present: frozenset[int]
    ready: frozenset[int]
    leader: str | None
    synchronous: frozenset[str]

    def pod(self, ordinal: int) -> str:
        return f"{self.scope}-{ordinal}"


@dataclass(frozen=True)
class Hold:
    """Nothing is done now, for a reason that passes or needs someone."""

    reason: str


@dataclass(frozen=True)
class Switchover:
    """The primary is to move from one pod to another before anything is removed."""

    leader: str
    candidate: str
    reason: str


@dataclass(frozen=True)
class ScaleTo:
    """spec.replicas may be set to this now."""

    count: int


Step = Hold | Switchover | ScaleTo


def next_step(members: Members, target: int) -> Step:
    """The step from `members.count` toward `target` members (the primary included; at least 1) that is safe
    now.
    """
    target = max(target, 1)
    if target >= members.count:
        return ScaleTo(target)
    leaving = members.count - 1
    remaining = range(leaving)
    gone = sorted(ordinal for ordinal in members.present if ordinal >= members.count)
    if gone:
        return Hold(f"{members.pod(gone[-1])} is still stopping")
    if members.leader is None:
        return Hold("there is no primary now")
    kept = {members.pod(ordinal) for ordinal in range(members.count)}
    stale = sorted(members.synchronous - kept)
    if stale:
        return Hold(f"commits still wait for {stale[0]}, which is gone; Patroni is about to drop it")
    if members.leader not in kept:
        return Hold(f"the primary {members.leader} is not one of the members")
    unready = [members.pod(ordinal) for ordinal in remaining if ordinal not in members.ready]
    if unready:
        return Hold(f"{unready[0]} is not ready, and a member leaves only when all that stay are")
    if members.leader != members.pod(leaving):
        return ScaleTo(leaving)
    candidates = [
        members.pod(ordinal)
        for ordinal in remaining
        if not members.synchronous or members.pod(ordinal) in members.synchronous
    ]
    if not candidates:
        return Hold(f"the primary is {members.leader}, and no member that stays has all of its commits")
    reason = f"{members.leader} is the primary and the next to leave"
    return Switchover(members.leader, candidates[0], reason)


def held_back(decision: Decision, reason: str) -> Decision:
    """The decision to remove a read replica, put off for a reason."""
    return replace(
        decision,
        decided=decision.current,
        limits=(*decision.limits, Limit("Members", decision.current, reason)),
        reason=f"held at {decision.current}, {decision.decided} decided: {reason}",
    )
