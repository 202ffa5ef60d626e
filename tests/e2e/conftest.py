"""One cluster, operator, shop and small app for all tests; a namespace of its own where a test needs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator

import pytest

from cluster.progress import Steps
from tests.e2e import diagnosis
from tests.e2e.lab import LAB_SPEC, Demo, Lab
from walkthrough import report, shop
from walkthrough.install import CHECKOUT, install_operator, make_cluster
from walkthrough.kubectl import Kubectl, KubectlError, connect

DEMO_SECONDS = 900
NAMESPACES: set[str] = set()
CLUSTER = pytest.StashKey[Kubectl]()


@pytest.fixture(scope="session")
def kubectl(request: pytest.FixtureRequest) -> Kubectl:
    """The cluster with all images and the operator."""
    make_cluster()
    with Steps() as steps:
        found = install_operator(steps)
    request.config.stash[CLUSTER] = found
    return found


@pytest.fixture(scope="session")
def demo(kubectl: Kubectl) -> Demo:  # noqa: ARG001 - the operator must be there
    """The demo with short phases of traffic. Its shop keeps running in the namespace `shop`."""
    NAMESPACES.add(shop.NAMESPACE)
    report.REPORT.unlink(missing_ok=True)
    path = os.pathsep.join(str(CHECKOUT / folder) for folder in ("demo", "."))
    done = subprocess.run(
        [sys.executable, "-m", "demo", "--quick", "--no-setup"],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=DEMO_SECONDS,
        check=False,
    )
    diagnosis.FOLDER.mkdir(parents=True, exist_ok=True)
    (diagnosis.FOLDER / "demo.log").write_text(done.stdout + done.stderr, encoding="utf-8")
    if not report.REPORT.exists():
        pytest.fail(f"the demo left no report:\n{done.stdout[-4000:]}{done.stderr[-4000:]}", pytrace=False)
    return Demo(done.returncode, done.stdout + done.stderr, json.loads(report.REPORT.read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def make_lab(kubectl: Kubectl) -> Iterator[Callable[[str], Lab]]:
    """Makes an empty namespace with a Lab in it; all of them are deleted at the end."""
    made: list[str] = []

    def make(name: str) -> Lab:
        shop.fresh_namespace(kubectl, name)
        NAMESPACES.add(name)
        made.append(name)
        return Lab(kubectl, name, "lab")

    yield make
    for name in made:
        kubectl.run("delete", "namespace", name, "--wait=false", "--ignore-not-found")


@pytest.fixture(scope="session")
def running_lab(make_lab: Callable[[str], Lab]) -> Lab:
    lab = make_lab("e2e-lab")
    lab.apply(LAB_SPEC)
    lab.wait_ready(180)
    return lab


@pytest.fixture
def lab(running_lab: Lab) -> Iterator[Lab]:
    """The app that most tests share, Ready with LAB_SPEC before and after each."""
    running_lab.apply(LAB_SPEC)
    running_lab.wait_ready()
    yield running_lab
    running_lab.apply(LAB_SPEC)
    running_lab.wait_ready()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """On a failure, keeps what the cluster looked like."""
    result = yield
    if result.failed and call.excinfo and not call.excinfo.errisinstance(pytest.exit.Exception):
        try:
            path = diagnosis.write(item.config.stash.get(CLUSTER, None) or connect(), item.name, NAMESPACES)
        except KubectlError as error:
            result.sections.append(("cluster", str(error)))
        else:
            result.sections.append(("cluster", f"how it looked: {path.relative_to(CHECKOUT)}"))
    return result
