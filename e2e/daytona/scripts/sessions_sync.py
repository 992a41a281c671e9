"""Shell sessions through the Python SDK, unmodified, in its synchronous form."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

from daytona import (
    CreateSandboxFromSnapshotParams,
    Daytona,
    DaytonaConflictError,
    DaytonaError,
    DaytonaGoneError,
    DaytonaNotFoundError,
    DaytonaSessionEndedError,
    DaytonaValidationError,
    SessionExecuteRequest,
)
from report import report

daytona = Daytona()
sandbox = daytona.create(CreateSandboxFromSnapshotParams(env_vars={"HC_S": "sandbox"}))
shell = sandbox.process


def raised(kind: type[BaseException], call: Callable[[], Any]) -> BaseException:
    """The exception of a kind that call raises."""
    try:
        got = call()
    except kind as e:
        return e
    raise AssertionError(f"nothing was raised, but {got!r} returned")


def run(session: str, command: str) -> Any:
    return shell.execute_session_command(session, SessionExecuteRequest(command=command))


def start(session: str, command: str, quiet: bool = False) -> str:
    request = SessionExecuteRequest(command=command, run_async=True, suppress_input_echo=quiet)
    return shell.execute_session_command(session, request).cmd_id


async def follow(session: str, command: str) -> tuple[str, str]:
    out: list[str] = []
    err: list[str] = []
    await shell.get_session_command_logs_async(session, command, out.append, err.append)
    return "".join(out), "".join(err)


def life() -> None:
    shell.create_session("life")
    raised(DaytonaConflictError, lambda: shell.create_session("life"))
    assert [(s.session_id, s.commands) for s in shell.list_sessions()] == [("life", [])]
    run("life", "true")
    (command,) = shell.get_session("life").commands
    assert (command.command, command.exit_code) == ("true", 0)
    assert shell.delete_session("life") is None
    raised(DaytonaNotFoundError, lambda: shell.delete_session("life"))
    raised(DaytonaNotFoundError, lambda: shell.get_session("life"))
    raised(DaytonaNotFoundError, lambda: run("life", "true"))
    assert shell.list_sessions() == []


def state_stays() -> None:
    shell.create_session("state")
    run("state", "cd /usr && export FOO=bar && greet() { echo hi $1; }")
    r = run("state", "pwd; greet $FOO; echo $HC_S; echo oops >&2; (exit 7)")
    assert r.stdout == "/usr\nhi bar\nsandbox\n", r
    assert r.stderr == "oops\n", r
    assert r.output == "/usr\nhi bar\nsandbox\noops\n", r
    assert r.exit_code == 7, r
    logs = shell.get_session_command_logs("state", r.cmd_id)
    assert (logs.output, logs.stdout, logs.stderr) == (r.output, r.stdout, r.stderr), logs
    shell.delete_session("state")


async def unusual_ids() -> None:
    for name in ["a/b", "zażółć 🧪", "100% sure?#", "-"]:
        shell.create_session(name)
        r = run(name, "echo $((6 * 7)); echo e >&2")
        assert r.stdout == "42\n", r
        assert shell.get_session_command(name, r.cmd_id).exit_code == 0
        assert await follow(name, r.cmd_id) == ("42\n", "e\n")
        shell.delete_session(name)
    raised(DaytonaValidationError, lambda: shell.create_session(""))
    raised(DaytonaValidationError, lambda: shell.create_session("entrypoint"))


def asynchronous() -> None:
    shell.create_session("async")
    command = start("async", "sleep 0.5; echo done; exit 5")
    assert shell.get_session_command("async", command).exit_code is None
    while (c := shell.get_session_command("async", command)).exit_code is None:
        pass
    assert c.exit_code == 5, c
    assert shell.get_session_command_logs("async", command).stdout == "done\n"
    e = raised(DaytonaSessionEndedError, lambda: run("async", "true"))
    assert "exit status 5" in str(e), e
    shell.delete_session("async")


async def logs_are_followed_while_they_grow() -> None:
    shell.create_session("follow")
    text = 'for i in 1 2 3; do echo "out $i 🧪"; echo "err $i ż" >&2; sleep 0.3; done'
    command = start("follow", text)
    began = time.monotonic()
    out, err = await follow("follow", command)
    took = time.monotonic() - began
    assert out == "out 1 🧪\nout 2 🧪\nout 3 🧪\n", out
    assert err == "err 1 ż\nerr 2 ż\nerr 3 ż\n", err
    assert took < 1.8, took
    assert await follow("follow", command) == (out, err)
    shell.delete_session("follow")


async def much_output_is_followed() -> None:
    shell.create_session("much")
    r = run("much", "seq 1 50000; for i in 1 2 3; do printf '%0100000d' 0 >&2; done")
    assert r.stdout.count("\n") == 50000
    assert await follow("much", r.cmd_id) == (r.stdout, r.stderr)
    shell.delete_session("much")


async def input_echoed_and_not() -> None:
    shell.create_session("input")
    for quiet in [False, True]:
        command = start("input", "printf 'name? '; read n; echo hello $n", quiet)
        while "name?" not in shell.get_session_command_logs("input", command).output:
            pass
        shell.send_session_command_input("input", command, "world")
        out, _ = await follow("input", command)
        assert out == ("name? hello world\n" if quiet else "name? world\nhello world\n"), out
        raised(
            DaytonaGoneError, lambda c=command: shell.send_session_command_input("input", c, "x")
        )
    assert run("input", "cat; read x || echo none").stdout == "none\n"
    shell.delete_session("input")


async def a_deletion_ends_who_waits() -> None:
    shell.create_session("deleted")
    command = start("deleted", "echo on; sleep 600")
    faults: list[BaseException] = []
    waiting = threading.Thread(
        target=lambda: faults.append(
            raised(DaytonaSessionEndedError, lambda: run("deleted", "true"))
        )
    )
    waiting.start()
    while len(shell.get_session("deleted").commands) < 2:
        pass
    shell.delete_session("deleted")
    waiting.join()
    assert "was deleted" in str(faults[0]), faults
    raised(DaytonaNotFoundError, lambda: shell.get_session_command("deleted", command))
    try:
        await follow("deleted", command)
    except DaytonaError:
        return
    raise AssertionError("what is gone was followed")


async def entrypoint() -> None:
    session = shell.get_entrypoint_session()
    assert session.session_id == "entrypoint", session
    assert len(session.commands) == 1, session
    logs = shell.get_entrypoint_logs()
    assert logs.output == logs.stdout, logs
    out: list[str] = []
    await shell.get_entrypoint_logs_async(out.append, out.append)
    assert "".join(out) == logs.stdout, out


def sandboxes_have_their_own() -> None:
    shell.create_session("mine")
    other = daytona.create()
    assert other.process.list_sessions() == []
    raised(DaytonaNotFoundError, lambda: other.process.get_session("mine"))
    other.delete()
    sandbox.stop()
    raised(DaytonaConflictError, lambda: shell.get_session("mine"))
    sandbox.start()
    raised(DaytonaNotFoundError, lambda: shell.get_session("mine"))


if __name__ == "__main__":
    asyncio.run(
        report(
            [
                life,
                state_stays,
                unusual_ids,
                asynchronous,
                logs_are_followed_while_they_grow,
                much_output_is_followed,
                input_echoed_and_not,
                a_deletion_ends_who_waits,
                entrypoint,
                sandboxes_have_their_own,
            ]
        )
    )
    sandbox.delete()
