"""Shell sessions through the Python SDK, unmodified, in its asynchronous form."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from typing import Any

from daytona import (
    AsyncDaytona,
    CreateSandboxFromSnapshotParams,
    DaytonaConflictError,
    DaytonaGoneError,
    DaytonaNotFoundError,
    DaytonaSessionEndedError,
    SessionExecuteRequest,
)
from report import report


async def raised(kind: type[BaseException], pending: Awaitable[Any]) -> BaseException:
    """The exception of a kind that is raised."""
    try:
        got = await pending
    except kind as e:
        return e
    raise AssertionError(f"nothing was raised, but {got!r} returned")


class Checks:
    """What is tried in one sandbox."""

    def __init__(self, sandbox: Any) -> None:
        self.shell = sandbox.process

    async def run(self, session: str, command: str) -> Any:
        request = SessionExecuteRequest(command=command)
        return await self.shell.execute_session_command(session, request)

    async def start(self, session: str, command: str, quiet: bool = False) -> str:
        request = SessionExecuteRequest(command=command, run_async=True, suppress_input_echo=quiet)
        return (await self.shell.execute_session_command(session, request)).cmd_id

    async def follow(self, session: str, command: str) -> tuple[str, str]:
        out: list[str] = []
        err: list[str] = []
        await self.shell.get_session_command_logs_async(session, command, out.append, err.append)
        return "".join(out), "".join(err)

    async def life(self) -> None:
        await self.shell.create_session("life")
        await raised(DaytonaConflictError, self.shell.create_session("life"))
        await self.run("life", "cd /usr && export FOO=bar")
        r = await self.run("life", "pwd; echo $FOO; echo $HC_S; echo oops >&2; (exit 7)")
        assert r.stdout == "/usr\nbar\nsandbox\n", r
        assert (r.stderr, r.exit_code) == ("oops\n", 7), r
        assert r.output == r.stdout + r.stderr, r
        logs = await self.shell.get_session_command_logs("life", r.cmd_id)
        assert (logs.output, logs.stdout, logs.stderr) == (r.output, r.stdout, r.stderr), logs
        assert [len(s.commands) for s in await self.shell.list_sessions()] == [2]
        await self.shell.delete_session("life")
        await raised(DaytonaNotFoundError, self.shell.get_session("life"))

    async def logs_are_followed_while_they_grow(self) -> None:
        await self.shell.create_session("follow")
        text = 'for i in 1 2 3; do echo "out $i 🧪"; echo "err $i ż" >&2; sleep 0.3; done'
        command = await self.start("follow", text)
        began = time.monotonic()
        first, second = await asyncio.gather(
            self.follow("follow", command), self.follow("follow", command)
        )
        took = time.monotonic() - began
        assert first == second
        assert first[0] == "out 1 🧪\nout 2 🧪\nout 3 🧪\n", first
        assert first[1] == "err 1 ż\nerr 2 ż\nerr 3 ż\n", first
        assert took < 1.8, took
        assert await self.follow("follow", command) == first
        await self.shell.delete_session("follow")

    async def much_output_is_followed(self) -> None:
        await self.shell.create_session("much")
        r = await self.run("much", "seq 1 50000; printf '%0300000d' 0 >&2")
        assert r.stdout.count("\n") == 50000
        assert await self.follow("much", r.cmd_id) == (r.stdout, r.stderr)
        await self.shell.delete_session("much")

    async def input_echoed_and_not(self) -> None:
        await self.shell.create_session("input")
        for quiet in [False, True]:
            command = await self.start("input", "printf 'name? '; read n; echo hello $n", quiet)
            asked = asyncio.Event()
            out: list[str] = []

            def take(text: str, out: list[str] = out, asked: asyncio.Event = asked) -> None:
                out.append(text)
                if "name?" in "".join(out):
                    asked.set()

            followed = asyncio.create_task(
                self.shell.get_session_command_logs_async("input", command, take, take)
            )
            await asked.wait()
            await self.shell.send_session_command_input("input", command, "world")
            await followed
            want = "name? hello world\n" if quiet else "name? world\nhello world\n"
            assert "".join(out) == want, out
            await raised(
                DaytonaGoneError, self.shell.send_session_command_input("input", command, "x")
            )
        await self.shell.delete_session("input")

    async def commands_queue(self) -> None:
        await self.shell.create_session("queue")
        await self.run("queue", "n=0")
        runs = [self.run("queue", "n=$((n+1)); echo $n") for _ in range(10)]
        numbers = sorted(int(r.stdout) for r in await asyncio.gather(*runs))
        assert numbers == list(range(1, 11)), numbers
        await self.shell.delete_session("queue")

    async def a_deletion_ends_who_waits(self) -> None:
        await self.shell.create_session("deleted")
        begun = asyncio.Event()
        command = await self.start("deleted", "echo on; sleep 600")
        followed = asyncio.create_task(
            self.shell.get_session_command_logs_async(
                "deleted", command, lambda _: begun.set(), lambda _: None
            )
        )
        waiting = asyncio.create_task(raised(DaytonaSessionEndedError, self.run("deleted", "true")))
        await begun.wait()
        while len((await self.shell.get_session("deleted")).commands) < 2:
            pass
        await self.shell.delete_session("deleted")
        assert "was deleted" in str(await waiting), waiting
        await followed

    async def entrypoint(self) -> None:
        session = await self.shell.get_entrypoint_session()
        assert session.session_id == "entrypoint", session
        logs = await self.shell.get_entrypoint_logs()
        out: list[str] = []
        await self.shell.get_entrypoint_logs_async(out.append, out.append)
        assert "".join(out) == logs.output == logs.stdout, out


async def main() -> None:
    async with AsyncDaytona() as daytona:
        params = CreateSandboxFromSnapshotParams(env_vars={"HC_S": "sandbox"})
        sandbox = await daytona.create(params)
        checks = Checks(sandbox)
        await report(
            [
                checks.life,
                checks.logs_are_followed_while_they_grow,
                checks.much_output_is_followed,
                checks.input_echoed_and_not,
                checks.commands_queue,
                checks.a_deletion_ends_who_waits,
                checks.entrypoint,
            ]
        )
        await sandbox.delete()


if __name__ == "__main__":
    asyncio.run(main())
