"""What keeps a command from answering, told with what to do about it."""

from __future__ import annotations

from consumerapp_operator.apply.client import ApiError


class CannotAnswer(Exception):  # noqa: N818 - what it is
    """Printed as it is; the command ends with 1."""


def of_api(error: ApiError, doing: str) -> CannotAnswer:
    """A refusal or silence of the API server in words."""
    if error.status == 0:
        return CannotAnswer(
            f"the API server does not answer ({error.message}); is KUBECONFIG right and the cluster up?"
        )
    if error.status in (401, 403) and "system:anonymous" in error.message:
        return CannotAnswer(
            "the kubeconfig's user has neither token nor certificate, and an exec plugin is not run; "
            "put in a token (kubectl create token)"
        )
    if error.status == 401:
        return CannotAnswer(f"the API server does not know you ({error.message}); renew the kubeconfig's credentials")
    if error.status == 403:
        return CannotAnswer(f"you may not {doing}: {error.message}; ask for a role that allows it (docs/cli.md)")
    if error.status == 404 and "could not find the requested resource" in error.message:
        return CannotAnswer("the cluster knows no ConsumerApps; install the operator: kubectl apply -f crds/")
    if error.status == 404 and error.message.startswith("namespaces "):
        return CannotAnswer(f"cannot {doing}: {error.message}; create the namespace, or name another with -n")
    return CannotAnswer(f"cannot {doing}: {error}")
