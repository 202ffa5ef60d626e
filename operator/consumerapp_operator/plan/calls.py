"""The graph of calls between services: it may not run in circles.

A cycle makes every service of it wait for all the others, and load that enters it is multiplied without bound.
"""

from __future__ import annotations

from collections.abc import Iterator

from consumerapp_operator.api.app import ConsumerApp


def cycles(app: ConsumerApp) -> Iterator[str]:
    """One problem for each call that closes a circle, found by a walk in the order of the spec."""
    positions = {service.name: index for index, service in enumerate(app.spec.services)}
    done: set[str] = set()

    def walk(name: str, trail: tuple[str, ...]) -> Iterator[str]:
        trail = (*trail, name)
        for index, callee in enumerate(app.spec.services[positions[name]].calls):
            if callee in trail and callee != name:
                circle = " → ".join((*trail[trail.index(callee) :], callee))
                yield (
                    f"spec.services[{positions[name]}].calls[{index}]: the calls {circle} form a circle; "
                    f"remove one of them"
                )
            elif callee in positions and callee not in done and callee != name:
                yield from walk(callee, trail)
        done.add(name)

    for service in app.spec.services:
        if service.name not in done:
            yield from walk(service.name, ())
