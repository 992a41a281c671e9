"""Terminals through the Python SDK, unmodified, in its asynchronous form."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable
from typing import Any

from daytona import (
    AsyncDaytona,
    CreateSandboxFromSnapshotParams,
    DaytonaConflictError,
    DaytonaError,
    DaytonaNotFoundError,
    PtySize,
)
from report import report


async def raised(kind: type[BaseException], pending: Awaitable[Any]) -> BaseException:
    """The exception of a kind that pending raises."""
    try:
        got = await pending
    except kind as e:
        return e
    raise AssertionError(f"nothing was raised, but {got!r} returned")


class Shown:
    """What a terminal has shown."""

    def __init__(self) -> None:
        self.data = b""
        self.changed = asyncio.Event()

    async def __call__(self, data: bytes) -> None:
        self.data += data
        self.changed.set()

    async def until(self, text: str) -> None:
        async def seen() -> None:
            while text.encode() not in self.data:
                self.changed.clear()
                await self.changed.wait()

        try:
            await asyncio.wait_for(seen(), 20)
        except asyncio.TimeoutError as e:
            raise AssertionError(f"{text!r} is not in {self.data!r}") from e


async def main() -> None:
    async with AsyncDaytona() as daytona:
        sandbox = await daytona.create(
            CreateSandboxFromSnapshotParams(env_vars={"HOME": os.environ["SHELL_HOME"]})
        )
        process = sandbox.process

        async def create_input_exit() -> None:
            shown = Shown()
            began = time.monotonic()
            handle = await process.create_pty_session(
                id="a",
                on_data=shown,
                cwd="/tmp",
                envs={"WHO": "Ålice"},
                pty_size=PtySize(rows=31, cols=120),
            )
            await handle.wait_for_connection()
            assert time.monotonic() - began < 5
            await handle.send_input('stty size; echo "<$WHO $PWD>"; exit 7\n')
            result = await handle.wait()
            assert b"31 120\r\n<\xc3\x85lice /tmp>\r\n" in shown.data, shown.data
            assert (result.exit_code, result.error) == (7, "non-zero exit"), result
            await raised(DaytonaNotFoundError, process.get_pty_session_info("a"))

        async def resize_and_kill() -> None:
            shown = Shown()
            handle = await process.create_pty_session(id="b", on_data=shown)
            await handle.wait_for_connection()
            info = await handle.resize(PtySize(rows=40, cols=150))
            assert (info.rows, info.cols) == (40, 150)
            await handle.send_input("stty size\n")
            await shown.until("40 150\r\n")
            await handle.kill()
            result = await handle.wait()
            assert (result.exit_code, result.error) == (137, "SIGKILL"), result

        async def an_id_in_use() -> None:
            handle = await process.create_pty_session(id="c", on_data=Shown())
            began = time.monotonic()
            await raised(DaytonaConflictError, process.create_pty_session(id="c", on_data=Shown()))
            assert time.monotonic() - began < 2
            await handle.kill()

        async def connect_with_the_screen() -> None:
            shown = Shown()
            handle = await process.create_pty_session(id="d", on_data=shown)
            await handle.send_input("echo re''member\n")
            await shown.until("remember")
            await handle.disconnect()
            later = Shown()
            again = await process.connect_pty_session("d", on_data=later)
            await later.until("remember")
            await again.send_input("exit 3\n")
            assert (await again.wait()).exit_code == 3
            await raised(DaytonaError, process.connect_pty_session("d", on_data=Shown()))

        await report([create_input_exit, resize_and_kill, an_id_in_use, connect_with_the_screen])
        await sandbox.delete()


asyncio.run(main())
