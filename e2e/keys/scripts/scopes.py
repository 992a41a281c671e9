"""Keys that don't open everything, with the Python SDK."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable
from typing import Any

from daytona import (
    Daytona,
    DaytonaConfig,
    DaytonaError,
    DaytonaForbiddenError,
    DaytonaNotFoundError,
    DaytonaRateLimitError,
)
from report import report


def client(key: str) -> Daytona:
    return Daytona(DaytonaConfig(api_key=os.environ[key], api_url=os.environ["DAYTONA_API_URL"]))


def raised(kind: type[BaseException], call: Callable[[], Any]) -> BaseException:
    """The exception of a kind that a call raises."""
    try:
        got = call()
    except kind as e:
        return e
    raise AssertionError(f"nothing was raised, but {got!r} returned")


admin = client("ADMIN")
mine = admin.get("mine")


def who_reads() -> None:
    daytona = client("READ")
    sandbox = daytona.get(mine.id)
    assert sandbox.fs.list_files(".") is not None
    assert mine.id in [s.id for s in daytona.list()]
    words = "scope read, this needs"
    for call in (
        daytona.create,
        sandbox.delete,
        lambda: sandbox.process.exec("ls"),
        lambda: sandbox.process.create_session("s"),
        lambda: sandbox.code_interpreter.create_context(),
    ):
        assert words in str(raised(DaytonaForbiddenError, call)), call
    got = str(raised(DaytonaError, lambda: sandbox.code_interpreter.run_code("1")))
    assert words in got, got
    assert words in str(raised(DaytonaError, lambda: sandbox.fs.upload_file(b"x", "x")))


def who_runs() -> None:
    daytona = client("RUN")
    sandbox = daytona.get(mine.id)
    assert sandbox.code_interpreter.run_code("print(6 * 7)").stdout == "42\n"
    assert sandbox.process.exec("echo hi").result == "hi\n"
    sandbox.fs.upload_file(b"x", "x")
    for call in (daytona.create, sandbox.stop, sandbox.delete):
        assert "scope run, this needs admin" in str(raised(DaytonaForbiddenError, call))


def who_is_confined() -> None:
    daytona = client("ONE")
    assert [s.id for s in daytona.list()] == [mine.id]
    assert daytona.get("mine").process.exec("echo hi").result == "hi\n"
    for name in ("hers", "nope"):
        raised(DaytonaNotFoundError, lambda name=name: daytona.get(name))


def who_is_too_fast() -> None:
    sandbox = client("FAST").get(mine.id)
    words = "may send 5/h requests; try again in"

    def much() -> None:
        for _ in range(9):
            sandbox.process.exec("true")

    assert words in str(raised(DaytonaRateLimitError, much))
    got = str(raised(DaytonaError, lambda: sandbox.code_interpreter.run_code("1")))
    assert words in got, got


def who_runs_too_much() -> None:
    sandbox = client("BUSY").get(mine.id)
    running = threading.Event()
    first = threading.Thread(
        target=sandbox.code_interpreter.run_code,
        args=("import time\nprint(1, flush=True)\ntime.sleep(2)",),
        kwargs={"on_stdout": lambda _: running.set()},
    )
    first.start()
    assert running.wait(30)
    words = "may have 1 executions and commands at once"
    assert words in str(raised(DaytonaRateLimitError, lambda: sandbox.process.exec("true")))
    got = str(raised(DaytonaError, lambda: sandbox.code_interpreter.run_code("1")))
    assert words in got, got
    first.join()
    deadline = time.monotonic() + 20
    while True:  # it is counted out a moment after its end
        try:
            assert sandbox.code_interpreter.run_code("print(2)").stdout == "2\n"
            return
        except DaytonaError:
            assert time.monotonic() < deadline


asyncio.run(report([who_reads, who_runs, who_is_confined, who_is_too_fast, who_runs_too_much]))
