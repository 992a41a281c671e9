"""A key's rate, with E2B's Python SDK."""

from __future__ import annotations

import asyncio

from e2b_code_interpreter import Sandbox

from report import report


def too_fast() -> None:
    sandbox = Sandbox.create()
    for _ in range(9):
        try:
            sandbox.run_code("1")
        except Exception as e:
            assert "may send 3/h requests; try again in" in str(e), repr(e)
            return
    raise AssertionError("nothing was raised")


asyncio.run(report([too_fast]))
