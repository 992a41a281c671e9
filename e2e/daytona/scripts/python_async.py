"""The Python SDK, unmodified, in its asynchronous form."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from typing import Any

from daytona import (
    AsyncDaytona,
    AsyncSandbox,
    CreateSandboxFromSnapshotParams,
    DaytonaConnectionError,
    DaytonaError,
    DaytonaNotFoundError,
    DaytonaTimeoutError,
)
from report import report


async def raised(kind: type[BaseException], pending: Awaitable[Any]) -> BaseException:
    """The exception of a kind that pending raises."""
    try:
        got = await pending
    except kind as e:
        return e
    raise AssertionError(f"nothing was raised, but {got!r} returned")


class Checks:
    """The checks, over one sandbox."""

    def __init__(self, daytona: AsyncDaytona, sandbox: AsyncSandbox) -> None:
        self.daytona = daytona
        self.sandbox = sandbox
        self.interpreter = sandbox.code_interpreter

    async def create_is_started(self) -> None:
        assert self.sandbox.state == "started", self.sandbox.state

    async def stop_start_delete(self) -> None:
        s = await self.daytona.create()
        began = time.monotonic()
        await s.stop()
        assert s.state == "stopped", s.state
        await s.start()
        assert s.state == "started", s.state
        await s.delete()
        assert time.monotonic() - began < 3
        await raised(DaytonaNotFoundError, self.daytona.get(s.id))

    async def contexts(self) -> None:
        ctx = await self.interpreter.create_context()
        await self.interpreter.run_code("value = 'stored'", context=ctx)
        result = await self.interpreter.run_code("print(value)", context=ctx)
        assert result.stdout == "stored\n"
        assert ctx.id in {c.id for c in await self.interpreter.list_contexts()}
        await self.interpreter.delete_context(ctx)
        await raised(DaytonaNotFoundError, self.interpreter.delete_context(ctx))

    async def output_arrives_while_code_runs(self) -> None:
        began = time.monotonic()
        at: list[float] = []
        result = await self.interpreter.run_code(
            "import time\nfor i in range(4):\n  print(i)\n  time.sleep(0.3)",
            on_stdout=lambda m: at.append(time.monotonic() - began),
        )
        assert result.stdout == "0\n1\n2\n3\n"
        assert at[0] < 0.6, at

    async def errors(self) -> None:
        result = await self.interpreter.run_code("1/0")
        assert result.error and result.error.name == "ZeroDivisionError"

    async def timeout(self) -> None:
        await self.interpreter.run_code("kept = 7")
        await raised(DaytonaTimeoutError, self.interpreter.run_code("while True: pass", timeout=1))
        assert (await self.interpreter.run_code("print(kept)")).stdout == "7\n"

    async def missing_context(self) -> None:
        ctx = await self.interpreter.create_context()
        ctx.id = "nope"
        e = await raised(DaytonaConnectionError, self.interpreter.run_code("1", context=ctx))
        assert "context not found" in str(e)

    async def a_killed_kernel_is_not_a_success(self) -> None:
        ctx = await self.interpreter.create_context()
        result = await self.interpreter.run_code("import os; os.kill(os.getpid(), 9)", context=ctx)
        assert result.error and "Died" in result.error.name, result
        assert (await self.interpreter.run_code("print(1)", context=ctx)).stdout == "1\n"

    async def a_context_deleted_while_runs_queue(self) -> None:
        ctx = await self.interpreter.create_context()
        first = asyncio.Event()
        runs = [
            asyncio.create_task(
                self.interpreter.run_code(
                    "import time; print('on', flush=True); time.sleep(60)",
                    context=ctx,
                    on_stdout=lambda m: first.set(),
                )
            )
        ]
        await first.wait()
        runs += [asyncio.create_task(self.interpreter.run_code("1", context=ctx)) for _ in range(9)]
        began = time.monotonic()
        await self.interpreter.delete_context(ctx)
        results = await asyncio.gather(*runs, return_exceptions=True)
        assert time.monotonic() - began < 3
        for r in results:
            # Those that came too late for the queue are told that it is gone.
            assert isinstance(r, DaytonaError) or (r.error and "Deleted" in r.error.name), r

    async def five_megabytes_in_one_print(self) -> None:
        result = await self.interpreter.run_code("print('ab' * 2_500_000)")
        assert result.stdout == "ab" * 2_500_000 + "\n"

    async def large_displays_do_not_break_the_connection(self) -> None:
        code = "from IPython.display import display, HTML\ndisplay(HTML('x' * 6_000_000))\nprint('after')"
        result = await self.interpreter.run_code(code)
        assert result.error is None, result.error
        assert result.stdout == "after\n"

    async def many_contexts_at_once(self) -> None:
        made = await asyncio.gather(*(self.interpreter.create_context() for _ in range(8)))
        await asyncio.gather(
            *(self.interpreter.run_code(f"n = {i}", context=c) for i, c in enumerate(made))
        )
        results = await asyncio.gather(
            *(self.interpreter.run_code("print(n)", context=c) for c in made)
        )
        assert [r.stdout for r in results] == [f"{i}\n" for i in range(8)]
        await asyncio.gather(*(self.interpreter.delete_context(c) for c in made))

    async def javascript_is_stateful(self) -> None:
        s = await self.daytona.create(CreateSandboxFromSnapshotParams(language="javascript"))
        await s.code_interpreter.run_code("let count = 1")
        assert (await s.code_interpreter.run_code("console.log(++count)")).stdout == "2\n"
        await s.delete()


async def main() -> None:
    """Run the checks."""
    async with AsyncDaytona() as daytona:
        sandbox = await daytona.create()
        checks = Checks(daytona, sandbox)
        names = [n for n in vars(Checks) if not n.startswith("_")]
        await report([getattr(checks, n) for n in names])
        await sandbox.delete()


if __name__ == "__main__":
    asyncio.run(main())
