"""The Python SDKs over TLS with a private authority, named by SSL_CERT_FILE."""

from __future__ import annotations

import asyncio
import os
import sys

from e2b_code_interpreter import AsyncSandbox, Sandbox

from daytona import AsyncDaytona, Daytona
from report import report


def daytona() -> None:
    sandbox = Daytona().create()
    seen: list[str] = []
    result = sandbox.code_interpreter.run_code(
        "print(6 * 7)", on_stdout=lambda m: seen.append(m.output)
    )
    assert result.stdout == "42\n" == "".join(seen), result
    assert sandbox.process.exec("echo hi").result == "hi\n"
    assert sandbox.process.code_run("print(1)").result == "1\n"
    content = b"0123456789abcdef" * 100_000
    sandbox.fs.upload_file(content, "big")
    assert sandbox.fs.download_file("big") == content
    handle = sandbox.process.create_pty_session(id="t")
    handle.send_input("echo $((6 * 7)); exit 3\n")
    output: list[bytes] = []
    assert handle.wait(on_data=output.append).exit_code == 3
    assert b"42" in b"".join(output)


async def daytona_async() -> None:
    async with AsyncDaytona() as client:
        sandbox = await client.create()
        assert (await sandbox.code_interpreter.run_code("print(6 * 7)")).stdout == "42\n"
        assert (await sandbox.process.exec("echo hi")).result == "hi\n"


def e2b() -> None:
    sandbox = Sandbox.create()
    sandbox.run_code("x = 40")
    assert sandbox.run_code("x + 2").text == "42"


async def e2b_async() -> None:
    sandbox = await AsyncSandbox.create()
    assert (await sandbox.run_code("6 * 7")).text == "42"


asyncio.run(report([daytona, daytona_async, e2b, e2b_async]))
sys.stdout.flush()
os._exit(0)  # a thread of the libraries' own may be at work, and abort an orderly end
