"""Only what the app declares gets through."""

from __future__ import annotations

import pytest

from tests.e2e.lab import Lab

ASK = """
import os, sys, urllib.request, urllib.error
url = os.path.expandvars(sys.argv[1])
try:
    print(urllib.request.urlopen(url, timeout=4).status)
except urllib.error.HTTPError as error:
    print(error.code)
except OSError as error:
    print("refused")
"""
CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=4)
except OSError:
    print("refused")
else:
    print("connected")
"""


def test_a_declared_call_gets_through(lab: Lab) -> None:
    assert lab.exec("front", ASK, "$BACK_URL/hello") == "200"


def test_a_call_that_is_not_declared_has_no_route(lab: Lab) -> None:
    assert lab.exec("front", ASK, "http://lab-internal/front/payment/readyz") == "404"


def test_a_service_that_declares_no_call_does_not_reach_the_gateway(lab: Lab) -> None:
    assert lab.exec("back", ASK, "http://lab-internal/back/front/") == "refused"


@pytest.mark.parametrize(
    ("caller", "host", "port"),
    [
        ("front", "lab-back", "8080"),  # declared, but only through the gateway
        ("front", "lab-payment", "8080"),
        ("front", "lab-payment-db", "5432"),
        ("back", "lab-payment-db", "5432"),
        ("back", "lab-gateway.e2e-lab.svc", "80"),
        ("front", "kubernetes.default.svc", "443"),
    ],
)
def test_nothing_else_does(lab: Lab, caller: str, host: str, port: str) -> None:
    assert lab.exec(caller, CONNECT, host, port) == "refused"


def test_a_service_reaches_its_own_database(lab: Lab) -> None:
    assert lab.exec("payment", CONNECT, "lab-payment-db", "5432") == "connected"
