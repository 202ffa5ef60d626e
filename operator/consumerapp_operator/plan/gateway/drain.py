"""How a gateway pod ends without losing a request: the script that the kubelet runs before it stops Envoy."""

from __future__ import annotations

from consumerapp_operator.plan.gateway.listeners import INTERNAL, PUBLIC
from consumerapp_operator.plan.gateway.placement import LOOPBACK, Placement

DRAIN_FILE = "drain.sh"
# The pod leaves the Services' endpoints while this runs; new connections come until every node knows.
MINIMUM_SECONDS = 5
# Longer than the longest request (15 s) and than callers keep an idle connection.
DEADLINE_SECONDS = 30
# What is left is for Envoy to exit, which it does at once.
GRACE_SECONDS = DEADLINE_SECONDS + 10


def drain_script(
    placement: Placement, minimum_seconds: int = MINIMUM_SECONDS, deadline_seconds: int = DEADLINE_SECONDS
) -> str:
    """A bash script that needs no other program than `sleep` and writes no file.

    It ends with 0 also when Envoy does not answer: then there is nothing to wait for, and Envoy is stopped.
    """
    return f"""\
# Tells Envoy to drain, then waits for {minimum_seconds} to {deadline_seconds} s until no client is left: no connection,
# and none has come for a second. From now on every response says `Connection: close`.
#
# Readiness stays as it is. A pod that is being deleted gets no requests while there is another one; while there is
# none (it was the only replica, or all go at once), kube-proxy goes on using it as long as it is ready.

ask() {{ # method, path: prints the answer of Envoy's admin interface
  local line
  printf '%s\\r\\n' "$1 $2 HTTP/1.1" 'Host: admin' 'Content-Length: 0' 'Connection: close' '' >&3
  while IFS= read -r -t 2 line <&3; do printf '%s\\n' "${{line%$'\\r'}}"; done
}} 3<>/dev/tcp/{LOOPBACK}/{placement.admin}

clients() {{ # prints how many connections there are and how many there have been; nothing if Envoy does not say
  local name value active= total=
  while read -r name value; do
    case $name in
      http.{PUBLIC}.downstream_cx_active: | http.{INTERNAL}.downstream_cx_active:) active=$((active + value)) ;;
      http.{PUBLIC}.downstream_cx_total: | http.{INTERNAL}.downstream_cx_total:) total=$((total + value)) ;;
    esac
  done < <(ask GET '/stats?filter=downstream_cx_')
  printf '%s %s' "$active" "$total"
}}

ask POST '/drain_listeners?graceful&skip_exit' >/dev/null || exit 0
before= quiet=0
# SECONDS counts the seconds that the clock begins, so at 3 it may have been 2.01.
while ((SECONDS <= {deadline_seconds})); do
  now=$(clients)
  if [[ $now == "0 "* && $now == "$before" ]]; then quiet=$((quiet + 1)); else quiet=0; fi
  if ((SECONDS > {minimum_seconds} && quiet >= 5)); then break; fi
  before=$now
  sleep 0.2
done
exit 0
"""
