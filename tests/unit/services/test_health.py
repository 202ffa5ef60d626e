"""When a pod is ready: a short failover must not flap the fleet, a long one and a wrong password must show."""

from shop.database import DatabaseUnavailable
from shop.health import REMEMBER_SECONDS, Readiness

GRACE = 30.0


class Lab:
    """A clock, a primary that can be away, and the readiness over them."""

    def __init__(self) -> None:
        self.now, self.away, self.asked = 1000.0, False, 0
        self.readiness = Readiness(self._probe, GRACE, clock=lambda: self.now)

    async def _probe(self, _: float) -> None:
        self.asked += 1
        if self.away:
            raise DatabaseUnavailable("primary: away")

    async def ready(self, after: float = 0) -> bool:
        self.now += after
        return await self.readiness.reason_unready() is None


async def test_never_ready_before_the_primary_has_answered() -> None:
    lab = Lab()
    lab.away = True
    assert not await lab.ready()
    assert not await lab.ready(after=1000)
    assert await lab.readiness.reason_unready() == "primary: away"
    lab.away = False
    assert await lab.ready(after=REMEMBER_SECONDS)


async def test_a_failover_changes_nothing_and_a_lost_database_does() -> None:
    lab = Lab()
    assert await lab.ready()
    lab.away = True
    for _ in range(int(GRACE) - 1):
        assert await lab.ready(after=1)
    assert not await lab.ready(after=1)
    lab.away = False
    assert await lab.ready(after=1)


async def test_many_probes_are_one_question() -> None:
    lab = Lab()
    for _ in range(50):
        assert await lab.ready(after=REMEMBER_SECONDS / 100)
    assert lab.asked == 1
