"""The file API through the Python SDK, unmodified, in its asynchronous form."""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any

from daytona import (
    AsyncDaytona,
    AsyncSandbox,
    DaytonaError,
    DaytonaFileNotFoundError,
    DaytonaInvalidFilePathError,
    FileDownloadRequest,
    FileUpload,
)
from report import report


async def raised(kind: type[BaseException], pending: Awaitable[Any]) -> Any:
    """The exception of a kind that pending raises."""
    try:
        got = await pending
    except kind as e:
        return e
    raise AssertionError(f"nothing was raised, but {got!r} returned")


class Checks:
    """The checks, over one sandbox."""

    def __init__(self, sandbox: AsyncSandbox, work: Path) -> None:
        self.fs = sandbox.fs
        self.work = work

    async def a_megabyte_there_and_back(self) -> None:
        data = os.urandom(1 << 20)
        await self.fs.upload_file(data, "deep/down/blob.bin")
        assert await self.fs.download_file("deep/down/blob.bin") == data

    async def a_local_file_there_and_back(self) -> None:
        data = os.urandom(300_000)
        Path("local.bin").write_bytes(data)
        await self.fs.upload_file("local.bin", "from-local.bin")
        await self.fs.download_file("from-local.bin", "back/again.bin")
        assert Path("back/again.bin").read_bytes() == data

    async def names_of_all_kinds(self) -> None:
        for name in [
            "with space.txt",
            "zażółć 🧪.txt",
            'quo"te.txt',
            "back\\slash.txt",
            "100%.txt",
        ]:
            await self.fs.upload_file(name.encode(), f"names/{name}")
            assert (self.work / "names" / name).read_bytes() == name.encode()
            assert await self.fs.download_file(f"names/{name}") == name.encode()

    async def many_files_at_once(self) -> None:
        await self.fs.upload_files([FileUpload(b"c%d" % i, f"many/{i}.txt") for i in range(20)])
        paths = [f"many/{i}.txt" for i in range(20)] + ["many/missing.txt"]
        got = await self.fs.download_files([FileDownloadRequest(source=p) for p in paths])
        assert [r.result for r in got[:20]] == [b"c%d" % i for i in range(20)]
        assert got[20].error and "no such file" in got[20].error

    async def a_stream_down(self) -> None:
        data = os.urandom(700_000)
        await self.fs.upload_file(data, "down.bin")
        stream = await self.fs.download_file_stream("down.bin")
        assert b"".join([piece async for piece in stream]) == data

    async def a_stream_up(self) -> None:
        data = os.urandom(700_000)
        await self.fs.upload_file_stream(io.BytesIO(data), "up.bin")
        assert (self.work / "up.bin").read_bytes() == data

        async def pieces() -> AsyncIterator[bytes]:
            for i in range(0, len(data), 10_000):
                yield data[i : i + 10_000]

        await self.fs.upload_file_stream(pieces(), "pieces.bin")
        assert (self.work / "pieces.bin").read_bytes() == data

    async def errors_have_the_sdks_classes(self) -> None:
        await raised(DaytonaFileNotFoundError, self.fs.download_file("no/such.txt"))
        await raised(DaytonaInvalidFilePathError, self.fs.download_file("many"))
        await raised(DaytonaFileNotFoundError, self.fs.list_files("no/such"))
        e = await raised(DaytonaError, self.fs.upload_file(b"x", "many"))
        assert "is a directory" in str(e), e


async def main() -> None:
    """Make a sandbox, check, and delete it."""
    async with AsyncDaytona() as daytona:
        sandbox = await daytona.create()
        checks = Checks(sandbox, Path(await sandbox.get_work_dir()))
        await report(
            [
                checks.a_megabyte_there_and_back,
                checks.a_local_file_there_and_back,
                checks.names_of_all_kinds,
                checks.many_files_at_once,
                checks.a_stream_down,
                checks.a_stream_up,
                checks.errors_have_the_sdks_classes,
            ]
        )
        await sandbox.delete()


if __name__ == "__main__":
    asyncio.run(main())
