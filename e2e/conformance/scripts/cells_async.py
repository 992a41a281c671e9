"""Runs a table of cells, given as JSON on standard input, through the asynchronous Python SDK.

What the SDK told about each is printed as lines of JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import urllib.request
from typing import Any

from daytona_toolbox_api_client import InterpreterContext

from daytona import (
    AsyncDaytona,
    AsyncSandbox,
    CreateSandboxFromSnapshotParams,
    DaytonaTimeoutError,
)

# As many contexts as this are in use at a time.
AT_ONCE = 4


def go_context(sandbox_id: str, cwd: str | None) -> InterpreterContext:
    """Creates a context in Go, which the SDK knows no way to ask for but can use."""
    request = urllib.request.Request(
        f"{os.environ['HOTCELL_URL']}/toolbox/{sandbox_id}/process/interpreter/context",
        json.dumps({"language": "go", "cwd": cwd}).encode(),
        {
            "Authorization": f"Bearer {os.environ['DAYTONA_API_KEY']}",
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request) as answer:
        context = InterpreterContext.from_json(answer.read())
    assert context
    return context


async def run(interpreter: Any, context: Any, step: dict[str, Any]) -> dict[str, Any]:
    """Runs one step and collects what is told about it."""
    out: list[str] = []
    err: list[str] = []
    error: list[Any] = []
    status = "ok"
    try:
        result = await interpreter.run_code(
            step["code"],
            context=context,
            envs=step.get("envs"),
            timeout=step.get("timeout"),
            on_stdout=lambda m: out.append(m.output),
            on_stderr=lambda m: err.append(m.output),
            on_error=error.append,
        )
        if result.stdout != "".join(out) or result.stderr != "".join(err):
            status = "result and callbacks differ"
        elif result.error:
            status = "error"
    except DaytonaTimeoutError:
        status = "timeout"
    except Exception as e:
        status = f"raised: {e!r}"
    told = error[-1] if error else None
    return {
        "stdout": "".join(out),
        "stderr": "".join(err),
        "status": status,
        "error": told and {"name": told.name, "value": told.value, "traceback": told.traceback},
    }


async def run_case(sandboxes: dict[str, AsyncSandbox], case: dict[str, Any]) -> None:
    """Runs one case in a context of its own."""
    interpreter = sandboxes[case["language"]].code_interpreter
    if case["language"] == "go":
        context = await asyncio.to_thread(go_context, sandboxes["go"].id, case.get("cwd"))
    else:
        context = await interpreter.create_context(case.get("cwd"))
    outcomes = [await run(interpreter, context, step) for step in case["steps"]]
    await interpreter.delete_context(context)
    line = {"name": case["name"], "language": case["language"], "outcomes": outcomes}
    print(json.dumps(line), flush=True)


async def main() -> None:
    """Runs them all."""
    cases = json.load(sys.stdin)
    async with AsyncDaytona() as daytona:
        sandboxes = {
            language: await daytona.create(
                CreateSandboxFromSnapshotParams(language=None if language == "go" else language)
            )
            for language in {case["language"] for case in cases}
        }
        room = asyncio.Semaphore(AT_ONCE)

        async def one(case: dict[str, Any]) -> None:
            async with room:
                await run_case(sandboxes, case)

        await asyncio.gather(*(one(case) for case in cases))
        for sandbox in sandboxes.values():
            await sandbox.delete()


asyncio.run(main())
