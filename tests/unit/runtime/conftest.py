"""Logs as plain text: rich's tracebacks would take longer than the tests."""

from __future__ import annotations

import pytest
import structlog


@pytest.fixture(autouse=True)
def _plain_logs() -> None:
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()],
        cache_logger_on_first_use=False,
    )
