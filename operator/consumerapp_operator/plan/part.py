"""What one builder contributes to the plan."""

from __future__ import annotations

from dataclasses import dataclass

from consumerapp_operator.plan.model import GeneratedSecret, Manifest, ObjectKey, Patch


@dataclass(frozen=True)
class Part:
    """Fields as in Plan; `kept` are live objects that are withheld: neither applied nor pruned."""

    objects: tuple[Manifest, ...] = ()
    secrets: tuple[GeneratedSecret, ...] = ()
    patches: tuple[Patch, ...] = ()
    waiting: tuple[str, ...] = ()
    kept: frozenset[ObjectKey] = frozenset()

    def __add__(self, other: Part) -> Part:
        return Part(
            objects=self.objects + other.objects,
            secrets=self.secrets + other.secrets,
            patches=self.patches + other.patches,
            waiting=self.waiting + other.waiting,
            kept=self.kept | other.kept,
        )
