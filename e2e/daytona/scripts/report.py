"""Runs named checks and reports each as one line of JSON."""

from __future__ import annotations

import inspect
import json
import sys
import time
import traceback
from collections.abc import Awaitable, Callable

Check = Callable[[], None] | Callable[[], Awaitable[None]]


async def report(checks: list[Check]) -> None:
    """Run checks in order; their names are the functions'."""
    for check in checks:
        began = time.monotonic()
        fault = ""
        try:
            pending = check()
            if inspect.isawaitable(pending):
                await pending
        except BaseException:
            fault = traceback.format_exc()
        line = {
            "name": check.__name__.replace("_", " ").strip(),
            "fault": fault,
            "ms": round(1000 * (time.monotonic() - began)),
        }
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
