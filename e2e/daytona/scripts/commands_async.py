"""One-shot commands through the Python SDK, unmodified, in its asynchronous form."""

from __future__ import annotations

import asyncio
import time

from daytona import (
    AsyncDaytona,
    AsyncSandbox,
    DaytonaBadRequestError,
    DaytonaProcessExecutionTimeoutError,
)
from report import Check, report


def checks(sandbox: AsyncSandbox) -> list[Check]:
    """The checks, on one sandbox."""

    async def the_guide() -> None:
        response = await sandbox.process.exec("ls -la")
        assert response.result.startswith("total "), response
        response = await sandbox.process.exec("echo $A; exit 3", env={"A": "b"})
        assert (response.exit_code, response.result) == (3, "b\n")

    async def a_timeout() -> None:
        began = time.monotonic()
        try:
            await sandbox.process.exec("echo so far; sleep 10", timeout=1)
        except DaytonaProcessExecutionTimeoutError as e:
            assert time.monotonic() - began < 3
            assert "so far" in str(e), e
        else:
            raise AssertionError("nothing was raised")

    async def many_at_once() -> None:
        all_of_them = await asyncio.gather(
            *(sandbox.process.exec(f"sleep 0.1; echo {i}") for i in range(30))
        )
        assert [r.result for r in all_of_them] == [f"{i}\n" for i in range(30)]

    async def a_bad_name() -> None:
        try:
            await sandbox.process.exec("ls", env={"1A": ""})
        except DaytonaBadRequestError as e:
            assert "1A" in str(e), e
        else:
            raise AssertionError("it was taken")

    async def a_large_output() -> None:
        assert len((await sandbox.process.exec("seq 1 2000000")).result) == 14_888_896

    return [the_guide, a_timeout, many_at_once, a_bad_name, a_large_output]


async def main() -> None:
    async with AsyncDaytona() as daytona:
        sandbox = await daytona.create()
        await report(checks(sandbox))
        await sandbox.delete()


asyncio.run(main())
