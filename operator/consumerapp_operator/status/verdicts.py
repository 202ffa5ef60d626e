"""Whether each part of an app serves: True; False, which needs someone; or Unknown, which is on its way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from consumerapp_operator.api.names import COMPONENT_MIGRATION, LABEL_COMPONENT, LABEL_NAME
from consumerapp_operator.api.status import ConditionStatus
from consumerapp_operator.plan.model import Manifest
from consumerapp_operator.status import facts as read
from consumerapp_operator.status.facts import Facts, Reading, label
from consumerapp_operator.status.pods import trouble

NOTHING_RUNS = "NothingRuns"
"""Of an app whose first spec was refused."""
TRUE, FALSE, UNKNOWN = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN


@dataclass(frozen=True)
class Verdict:
    """A status with its reason, a CamelCase word, and a message for people."""

    status: ConditionStatus
    reason: str
    message: str


def data(facts: Facts, *, settled: bool) -> Verdict:
    """Every database has a primary that is ready, and the cache and the bus run."""
    names = read.database_names(facts)
    alarms = () if settled else facts.alarms
    verdicts = [Verdict(FALSE, reason, message) for reason, message in alarms]
    verdicts += [_database(facts, name, settled) for name in names]
    cache, bus = read.cache(facts), read.bus(facts)
    verdicts += [_workload(reading, settled) for reading in (cache, bus) if reading is not None]
    if not verdicts:
        return Verdict(TRUE, "NoData", "the app has neither databases nor a cache nor a bus")
    what = ", ".join(
        filter(None, (_count(len(names), "database"), "the cache" if cache else "", "the bus" if bus else ""))
    )
    return _worst(verdicts) or Verdict(TRUE, "Serving", f"{what}: all serve")


def services(facts: Facts, *, settled: bool) -> Verdict:
    """Every service and worker has the replicas it needs, of the image it should be."""
    names, workers = read.service_names(facts), read.worker_names(facts)
    if not names:
        return Verdict(FALSE, NOTHING_RUNS, "no service runs")
    verdicts = [
        *_migrations(facts),
        *(_workload(read.service(facts, name), settled) for name in names),
        *(_worker(read.worker(facts, name), settled) for name in workers),
    ]
    worst = _worst(verdicts)
    if worst is None:
        what = ", ".join(filter(None, (_count(len(names), "service"), _count(len(workers), "worker"))))
        return Verdict(TRUE, "Serving", f"{what}: all serve")
    # What is on its way may be held back until something else has come.
    held_back = facts.held_back if worst.status is UNKNOWN else ()
    return Verdict(worst.status, worst.reason, "; ".join((worst.message, *held_back)))


def gateway(facts: Facts, *, settled: bool) -> Verdict:
    """The gateway runs, and it has loaded the configuration it should have."""
    reading = read.gateway(facts)
    if not reading.exists and facts.valid_app is None:
        return Verdict(FALSE, NOTHING_RUNS, "no gateway runs")
    verdict = _workload(reading, settled)
    if verdict.status is TRUE and facts.held_back and not settled:
        return Verdict(UNKNOWN, "Waiting", "; ".join(facts.held_back))
    return verdict


def _database(facts: Facts, name: str, settled: bool) -> Verdict:
    reading = read.database(facts, name)
    verdict = _workload(reading, settled)
    if verdict.status is TRUE and reading.primary is None:
        return Verdict(
            UNKNOWN,
            "NoPrimary",
            f"{reading.title} has no primary that takes writes; Patroni is choosing one, see kubectl -n "
            f"{facts.namespace} logs {facts.names.database(name)}-0",
        )
    return verdict


def _worker(reading: Reading, settled: bool) -> Verdict:
    """As of a service, but none are needed while there is nothing to do."""
    if reading.exists and reading.minimum == 0 and reading.desired == 0:
        return Verdict(TRUE, "Idle", f"{reading.title} has nothing to do")
    return _workload(reading, settled)


def _workload(reading: Reading, settled: bool) -> Verdict:
    """`settled`: it served before, with this very spec. Then one replica is enough to go on serving, and that
    fewer run than should is the matter of Degraded; before, all that the spec asks for must have come.
    """
    needed = 1 if settled else max(reading.minimum, 1)
    if reading.exists and reading.ready >= needed and (settled or reading.rolled_out):
        return Verdict(TRUE, "Serving", f"{reading.title} serves")
    counts = f"{reading.title}: {reading.ready} of {max(reading.desired, reading.minimum)} replicas ready"
    stuck = next((item for item in reading.troubles if item.stuck), None)
    if stuck is not None:
        return Verdict(FALSE, stuck.reason, f"{counts}; {stuck.message}")
    if not reading.exists:
        return Verdict(UNKNOWN, "Creating", f"{reading.title} is not created yet")
    soft = "".join(f"; {item.message}" for item in reading.troubles[:1])
    if reading.ready >= needed:
        return Verdict(UNKNOWN, "RollingOut", f"{counts}; a new version is being rolled out{soft}")
    return Verdict(UNKNOWN, "Starting", counts + soft)


def _migrations(facts: Facts) -> Iterable[Verdict]:
    """The newest migration of each service, if it failed for good or does not get to run."""
    newest: dict[str, Manifest] = {}
    for key, job in facts.children.items():
        if key.kind != "Job" or label(job, LABEL_COMPONENT) != COMPONENT_MIGRATION:
            continue
        owner, before = label(job, LABEL_NAME), newest.get(label(job, LABEL_NAME))
        if before is None or _created(before) < _created(job):
            newest[owner] = job
    for job in newest.values():
        verdict = _migration(facts, job)
        if verdict is not None:
            yield verdict


def _migration(facts: Facts, job: Manifest) -> Verdict | None:
    name = job["metadata"]["name"]
    ended = {
        item["type"]: item for item in (job.get("status") or {}).get("conditions") or () if item["status"] == "True"
    }
    if "Failed" in ended:
        why = ended["Failed"].get("message") or ended["Failed"].get("reason")
        advice = f"see kubectl -n {facts.namespace} logs job/{name}"
        return Verdict(FALSE, "MigrationFailed", f"migration {name} failed: {why}; what ran before goes on; {advice}")
    if "Complete" in ended:
        return None
    pods = facts.pods(lambda pod: any(owner["name"] == name for owner in read.owners(pod)))
    stuck = [found for pod in pods if (found := trouble(pod)) is not None and found.stuck]
    return Verdict(FALSE, stuck[0].reason, f"migration {name}: {stuck[0].message}") if stuck else None


def _created(job: Manifest) -> str:
    return str(job["metadata"].get("creationTimestamp") or "")


def _worst(verdicts: Iterable[Verdict]) -> Verdict | None:
    """False before Unknown; all of the same kind in one message. None when every one is True."""
    found = list(verdicts)
    for status in (FALSE, UNKNOWN):
        matching = [verdict for verdict in found if verdict.status is status]
        if matching:
            return Verdict(status, matching[0].reason, "; ".join(dict.fromkeys(item.message for item in matching)))
    return None


def _count(count: int, noun: str) -> str:
    if count == 0:
        return ""
    return f"1 {noun}" if count == 1 else f"{count} {noun}s"
