"""Which statistics a gateway keeps: those that are read. All others are never made, which is what a scrape
costs.

Read are: load of each service (scale/), the call graph, the gateway's own load, what has been loaded
(loaded.py), and what an operator of the app looks at when requests fail.
"""

from __future__ import annotations

from typing import Any

# A service's name has no underscore; Envoy's own clusters in bootstrap.py have one and so are left out.
_SERVICE = "[a-z0-9-]+"
_CLASSES = "upstream_rq_[1-5]xx"

_PATTERNS = (
    rf"cluster\.{_SERVICE}\.(upstream_rq_(total|completed|active|pending_active|pending_overflow|time|retry|timeout)"
    rf"|{_CLASSES}|upstream_cx_(active|connect_fail|none_healthy)|membership_(total|healthy)"
    r"|outlier_detection\.ejections_active)",
    rf"vhost\.(public|internal)\.route\.[a-z0-9_-]+\.(upstream_rq_(total|completed|retry|timeout)|{_CLASSES})",
    r"http\.(public|internal)\.(downstream_rq_(total|completed|active|time|[1-5]xx)|downstream_cx_(active|total)"
    r"|rds\.[a-z]+\.(version_text|update_(success|rejected|failure)))",
    r"cluster_manager\.(warming_clusters|active_clusters|cds\.(version_text|update_(success|rejected|failure)))",
    r"listener_manager\.(total_listeners_(warming|active)|lds\.(version_text|update_(success|rejected|failure)))",
    r"server\.(live|state|uptime|concurrency|memory_allocated|memory_physical_size|total_connections)",
)

# Milliseconds. Dense where services' targets lie, since a percentile is interpolated between two of them.
BUCKETS = (2, 5, 10, 20, 50, 100, 200, 300, 500, 1000, 2500, 5000, 10000, 15000)


def statistics() -> dict[str, Any]:
    """Envoy's `stats_config`."""
    return {
        "stats_matcher": {
            "inclusion_list": {
                "patterns": [{"safe_regex": {"regex": pattern}} for pattern in _PATTERNS],
            }
        },
        "histogram_bucket_settings": [{"match": {"suffix": "rq_time"}, "buckets": list(BUCKETS)}],
    }
