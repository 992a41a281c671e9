"""Terminals through the Python SDK, unmodified, in its synchronous form."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from typing import Any

from daytona import (
    CreateSandboxFromSnapshotParams,
    Daytona,
    DaytonaBadRequestError,
    DaytonaConflictError,
    DaytonaError,
    DaytonaNotFoundError,
    PtySize,
)
from report import report

daytona = Daytona()
sandbox = daytona.create(
    CreateSandboxFromSnapshotParams(env_vars={"HOME": os.environ["SHELL_HOME"]})
)
process = sandbox.process


def raised(kind: type[BaseException], call: Callable[[], Any]) -> BaseException:
    """The exception of a kind that a call raises."""
    try:
        got = call()
    except kind as e:
        return e
    raise AssertionError(f"nothing was raised, but {got!r} returned")


def until(handle: Any, text: str) -> str:
    """Reads a terminal until it has shown a text."""
    shown = b""
    for data in handle:
        shown += data
        if text.encode() in shown:
            return shown.decode()
    raise AssertionError(f"{text!r} is not in {shown!r}")


def everything(handle: Any) -> tuple[Any, str]:
    """Waits for a terminal's end."""
    shown: list[bytes] = []
    result = handle.wait(on_data=shown.append)
    return result, b"".join(shown).decode()


def create_input_exit() -> None:
    began = time.monotonic()
    handle = process.create_pty_session(
        id="a", cwd="/tmp", envs={"WHO": "Ålice"}, pty_size=PtySize(rows=31, cols=120)
    )
    assert time.monotonic() - began < 5
    info = process.get_pty_session_info("a")
    assert (info.id, info.cols, info.rows, info.cwd, info.active, info.envs) == (
        "a",
        120,
        31,
        "/tmp",
        True,
        {"WHO": "Ålice"},
    ), info
    assert [s.id for s in process.list_pty_sessions()] == ["a"]
    handle.send_input('stty size; echo "<$WHO $PWD>"; exit 7\n')
    result, shown = everything(handle)
    assert "31 120\r\n<Ålice /tmp>\r\n" in shown, shown
    assert (result.exit_code, result.error) == (7, "non-zero exit"), result
    raised(DaytonaNotFoundError, lambda: process.get_pty_session_info("a"))
    assert process.list_pty_sessions() == []


def resize() -> None:
    handle = process.create_pty_session(id="b")
    handle.send_input(
        "sh -c \"trap 'stty size; exit' WINCH; echo s''et; while :; do sleep 0.02; done\"\n"
    )
    until(handle, "set\r\n")
    info = handle.resize(PtySize(rows=40, cols=150))
    assert (info.rows, info.cols) == (40, 150)
    until(handle, "40 150\r\n")
    handle.kill()


def kill() -> None:
    handle = process.create_pty_session(id="c")
    handle.send_input("sleep 600\n")
    handle.kill()
    result = handle.wait()
    assert (result.exit_code, result.error) == (137, "SIGKILL"), result


def an_id_in_use() -> None:
    handle = process.create_pty_session(id="d")
    began = time.monotonic()
    raised(DaytonaConflictError, lambda: process.create_pty_session(id="d"))
    assert time.monotonic() - began < 2
    handle.kill()


def connect_with_the_screen() -> None:
    handle = process.create_pty_session(id="e")
    handle.send_input("echo re''member\n")
    until(handle, "remember")
    handle.disconnect()
    again = process.connect_pty_session("e")
    until(again, "remember")
    again.send_input("exit 3\n")
    result, _ = everything(again)
    assert result.exit_code == 3, result
    raised(DaytonaError, lambda: process.connect_pty_session("e"))


def bad_requests() -> None:
    raised(
        DaytonaBadRequestError,
        lambda: process.create_pty_session(id="x", pty_size=PtySize(rows=0, cols=80)),
    )
    raised(DaytonaBadRequestError, lambda: process.create_pty_session(id="x", cwd="no/where"))
    raised(DaytonaBadRequestError, lambda: process.create_pty_session(id="x", envs={"A B": "x"}))
    raised(DaytonaBadRequestError, lambda: process.create_pty_session(id=""))
    raised(DaytonaNotFoundError, lambda: process.resize_pty_session("nobody", PtySize(80, 24)))


def much_output() -> None:
    handle = process.create_pty_session(id="f")
    handle.send_input("exec seq 1 100000\n")
    result, shown = everything(handle)
    assert result.exit_code == 0, result
    numbers = shown[shown.index("1\r\n2\r\n3\r\n") :]
    assert numbers == "".join(f"{i}\r\n" for i in range(1, 100001))


CHECKS = [
    create_input_exit,
    resize,
    kill,
    an_id_in_use,
    connect_with_the_screen,
    bad_requests,
    much_output,
]
asyncio.run(report(CHECKS))
sandbox.delete()
