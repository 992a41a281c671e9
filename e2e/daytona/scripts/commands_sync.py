"""One-shot commands through the Python SDK, unmodified, in its synchronous form."""

from __future__ import annotations

import asyncio
import time

from daytona import (
    Daytona,
    DaytonaBadRequestError,
    DaytonaError,
    DaytonaProcessExecutionTimeoutError,
)
from report import report

daytona = Daytona()
sandbox = daytona.create()
workspace = sandbox  # as old pages call it


def the_guide() -> None:
    response = workspace.process.exec("ls -la")
    assert response.result.startswith("total "), response
    assert response.exit_code == 0
    response = workspace.process.exec("echo 'Hello'")
    assert response.result == "Hello\n" == response.artifacts.stdout
    response = sandbox.process.exec("echo $CUSTOM_SECRET", env={"CUSTOM_SECRET": "DAYTONA"})
    assert response.result == "DAYTONA\n"


def the_guides_directories() -> None:
    response = sandbox.process.exec("sleep 3", cwd="workspace/src", timeout=5)
    assert response.exit_code == -1
    assert '"workspace/src" cannot be used: no such file or directory' in response.result
    sandbox.process.exec("mkdir -p workspace/src; touch workspace/src/x")
    assert sandbox.process.exec("ls", cwd="workspace/src").result == "x\n"
    assert sandbox.process.exec("sleep 3", cwd="workspace/src", timeout=5).exit_code == 0


def the_guides_code() -> None:
    response = sandbox.process.exec("python3 -c 'invalid python code'")
    assert response.exit_code == 1
    assert "SyntaxError" in response.result
    name = """python3 -c 'import os; print(f"FOO: {os.environ.get(\\"FOO\\")}")'"""
    assert sandbox.process.exec(name.replace('\\"', "chr(34)")).exit_code == 1
    program = """python3 -c 'def greet(name): return f"Hello, {name}!"\nprint(greet("Daytona"))'"""
    assert sandbox.process.exec(program).result == "Hello, Daytona!\n"


def a_timeout() -> None:
    began = time.monotonic()
    try:
        sandbox.process.exec("echo so far; sleep 10", timeout=1)
    except DaytonaProcessExecutionTimeoutError as e:
        assert time.monotonic() - began < 3
        assert e.status_code == 408, e
        assert "so far" in str(e), e
    else:
        raise AssertionError("nothing was raised")


def both_streams_and_the_exit_code() -> None:
    response = sandbox.process.exec("echo a; echo b >&2; exit 3")
    assert (response.exit_code, response.result) == (3, "a\nb\n")


def bad_names_and_empty_commands() -> None:
    for command, env in (("ls", {"A-B": "1"}), (" ", None), ("a\0b", None)):
        try:
            sandbox.process.exec(command, env=env)
        except DaytonaBadRequestError:
            pass
        else:
            raise AssertionError(f"{command!r} was taken")


def a_large_output() -> None:
    assert len(sandbox.process.exec("seq 1 2000000").result) == 14_888_896


def the_environment() -> None:
    sandbox.update_env({"MY_VAR": "value", "OLD_VAR": "x"})
    assert sandbox.process.exec("echo $MY_VAR $OLD_VAR").result == "value x\n"
    sandbox.update_env({"MY_VAR": "other"}, unset=["OLD_VAR"])
    assert sandbox.process.exec("echo $MY_VAR $OLD_VAR").result == "other\n"
    ran = sandbox.code_interpreter.run_code("import os; print(os.environ['MY_VAR'])")
    assert ran.stdout == "other\n", ran


def the_metrics() -> None:
    metrics = sandbox.get_metrics_latest()
    assert metrics.cpu_count and metrics.cpu_count >= 1, metrics


def a_sandbox_that_was_stopped() -> None:
    other = daytona.create()
    other.stop()
    try:
        other.process.exec("ls")
    except DaytonaError as e:
        assert e.status_code == 409, e
    else:
        raise AssertionError("it was taken")
    other.delete()


asyncio.run(
    report(
        [
            the_guide,
            the_guides_directories,
            the_guides_code,
            a_timeout,
            both_streams_and_the_exit_code,
            bad_names_and_empty_commands,
            a_large_output,
            the_environment,
            the_metrics,
            a_sandbox_that_was_stopped,
        ]
    )
)
sandbox.delete()
