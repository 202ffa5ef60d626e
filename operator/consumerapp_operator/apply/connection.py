"""Where the API server is and who we are to it: one answer for kopf's watches and for our own requests.

kopf's ConnectionInfo is used for both. The official client would bring its typed models along: 46 MiB for a
token and a certificate.
"""

from __future__ import annotations

import dataclasses
import os
import ssl
import time
from collections.abc import Callable

import kopf

# The kubelet replaces a service account's token well before it expires; reading it again each minute is
# enough.
TOKEN_LIFETIME_SECONDS = 60.0


def login() -> kopf.ConnectionInfo:
    """The pod's service account, or outside a cluster what KUBECONFIG (or ~/.kube/config) names.

    Raises kopf.LoginError when there is neither.
    """
    settings = kopf.OperatorSettings()
    info = kopf.login_with_service_account(settings=settings)
    if info is not None:
        host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
        # By address: the operator must reach the API server when the cluster's DNS does not answer.
        return dataclasses.replace(info, server=f"https://{f'[{host}]' if ':' in host else host}:{port}")
    info = kopf.login_with_kubeconfig(settings=settings)
    if info is None:
        raise kopf.LoginError("no service account is mounted and no kubeconfig was found; set KUBECONFIG")
    return info


class Connection:
    """A login that keeps its token fresh."""

    def __init__(self, log_in: Callable[[], kopf.ConnectionInfo] = login) -> None:
        self._log_in = log_in
        info = log_in()
        self.server = info.server.rstrip("/")
        self.ssl_context: ssl.SSLContext = info.as_ssl_context()
        self._headers = info.as_http_headers()
        self._read_at = time.monotonic()

    def headers(self) -> dict[str, str]:
        if time.monotonic() - self._read_at > TOKEN_LIFETIME_SECONDS:
            self.refresh()
        return self._headers

    def refresh(self) -> None:
        """Read the credentials again, as after the API server refused them."""
        self._headers = self._log_in().as_http_headers()
        self._read_at = time.monotonic()
