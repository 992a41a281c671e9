"""The file API through the Python SDK, unmodified."""

from __future__ import annotations

import asyncio
import io
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from daytona import (
    Daytona,
    DaytonaConflictError,
    DaytonaError,
    DaytonaFileNotFoundError,
    DaytonaInvalidFilePathError,
    DaytonaNotFoundError,
    DaytonaValidationError,
    FileDownloadRequest,
    FileUpload,
)
from report import report

daytona = Daytona()
sandbox = daytona.create()
fs = sandbox.fs
work = Path(sandbox.get_work_dir())


def raised(kind: type[BaseException], call: Callable[[], Any]) -> Any:
    """The exception of a kind that call raises."""
    try:
        got = call()
    except kind as e:
        return e
    raise AssertionError(f"nothing was raised, but {got!r} returned")


def a_megabyte_there_and_back() -> None:
    data = os.urandom(1 << 20)
    fs.upload_file(data, "deep/down/blob.bin")
    assert fs.download_file("deep/down/blob.bin") == data
    assert (work / "deep/down/blob.bin").read_bytes() == data


def a_local_file_there_and_back() -> None:
    data = os.urandom(300_000)
    Path("local.bin").write_bytes(data)
    fs.upload_file("local.bin", "from-local.bin")
    fs.download_file("from-local.bin", "back/again.bin")
    assert Path("back/again.bin").read_bytes() == data


def an_empty_file() -> None:
    fs.upload_file(b"", "empty")
    assert fs.download_file("empty") == b""


def names_of_all_kinds() -> None:
    fs.create_folder("names", "755")
    for name in [
        "ordinary.txt",
        "with space.txt",
        "zażółć 🧪.txt",
        "plus+and&amp=1?.txt",
        "percent%20.txt",
        "semi;colon.txt",
        'quo"te.txt',
        "back\\slash.txt",
        "line\nbreak.txt",
    ]:
        path = f"names/{name}"
        (work / path).write_text(name)
        os.chown(work / path, work.stat().st_uid, work.stat().st_gid)  # as the sandbox would
        assert fs.download_file(path) == name.encode(), name
        assert fs.get_file_info(path).name == name
        fs.upload_file(b"new", path)
        assert (work / path).read_bytes() == b"new", name


def many_files_at_once() -> None:
    fs.upload_files([FileUpload(f"content {i}".encode(), f"many/{i}.txt") for i in range(50)])
    paths = [f"many/{i}.txt" for i in range(50)] + ["many/missing.txt", "many"]
    got = fs.download_files([FileDownloadRequest(source=p) for p in paths])
    for i in range(50):
        assert got[i].result == f"content {i}".encode()
    assert got[50].error and "no such file" in got[50].error
    details = got[50].error_details
    assert details and details.status_code == 404 and details.code == "FILE_NOT_FOUND"
    assert got[51].error and "is a directory" in got[51].error


def a_stream_up_and_down() -> None:
    data = os.urandom(700_000)
    seen: list[int] = []
    fs.upload_file(data, "down.bin")
    pieces = list(
        fs.download_file_stream("down.bin", on_progress=lambda p: seen.append(p.total_bytes or 0))
    )
    assert b"".join(pieces) == data
    assert seen and set(seen) == {len(data)}
    fs.upload_file_stream(io.BytesIO(data), "up.bin")
    assert (work / "up.bin").read_bytes() == data


def a_cancelled_upload_leaves_nothing() -> None:
    cancel = threading.Event()
    sent = 0

    def progress(p: Any) -> None:
        nonlocal sent
        sent = p.bytes_sent
        if sent > 1 << 20:
            cancel.set()

    source = io.BytesIO(bytes(8 << 20))
    e = raised(
        DaytonaError,
        lambda: fs.upload_file_stream(
            source, "cancelled/half.bin", on_progress=progress, cancel_event=cancel
        ),
    )
    assert "cancelled" in str(e).lower(), e
    raised(DaytonaFileNotFoundError, lambda: fs.get_file_info("cancelled/half.bin"))


def what_a_file_is() -> None:
    fs.upload_file(b"12345", "info/five.txt")
    fs.set_file_permissions("info/five.txt", mode="640")
    info = fs.get_file_info("info/five.txt")
    assert (info.name, info.is_dir, info.size) == ("five.txt", False, 5)
    assert (info.mode, info.permissions) == ("-rw-r-----", "0640")
    assert info.owner and info.group and info.mod_time and info.modified_at
    assert info.path == str(work / "info/five.txt")


def a_directorys_list() -> None:
    fs.create_folder("tree/a/b", "755")
    fs.upload_file(b"1", "tree/one.txt")
    fs.upload_file(b"2", "tree/a/two.txt")
    assert [f.name for f in fs.list_files("tree")] == ["a", "one.txt"]
    deep = [f.path for f in fs.list_files("tree", depth=3)]
    wanted = ["tree/a", "tree/a/b", "tree/a/two.txt", "tree/one.txt"]
    assert deep == [str(work / p) for p in wanted], deep


def move_and_delete() -> None:
    fs.upload_file(b"m", "mv/a.txt")
    fs.move_files("mv/a.txt", "mv/b.txt")
    assert fs.download_file("mv/b.txt") == b"m"
    raised(DaytonaFileNotFoundError, lambda: fs.move_files("mv/a.txt", "mv/c.txt"))
    raised(DaytonaConflictError, lambda: fs.move_files("mv/b.txt", "mv"))
    raised(DaytonaValidationError, lambda: fs.delete_file("mv"))
    fs.delete_file("mv", recursive=True)
    raised(DaytonaNotFoundError, lambda: fs.delete_file("mv"))


def text_is_found_and_replaced() -> None:
    fs.upload_file(b"first\nTODO: (a.b)\nlast", "grep/one.py")
    fs.upload_file(b"nothing here", "grep/sub/two.py")
    found = fs.find_files("grep", "TODO:")
    assert [(m.file, m.line, m.content) for m in found] == [
        (str(work / "grep/one.py"), 2, "TODO: (a.b)")
    ]
    done = fs.replace_in_files(["grep/one.py", "grep/gone.py"], "(a.b)", "$1")
    assert done[0].success and not done[0].error
    assert not done[1].success and "no such file" in (done[1].error or "")
    assert fs.download_file("grep/one.py") == b"first\nTODO: $1\nlast"


def names_are_searched() -> None:
    got = fs.search_files("grep", "*.py").files
    assert got == [str(work / "grep/one.py"), str(work / "grep/sub/two.py")]
    assert fs.search_files("grep", "**/two.py").files == [str(work / "grep/sub/two.py")]
    assert fs.search_files("grep", "*.nothing").files == []


def permissions() -> None:
    fs.upload_file(b"#!/bin/sh\n", "perm.sh")
    fs.set_file_permissions("perm.sh", mode="755")
    assert stat.S_IMODE((work / "perm.sh").stat().st_mode) == 0o755
    fs.set_file_permissions("perm.sh", owner=fs.get_file_info("perm.sh").owner)
    raised(DaytonaValidationError, lambda: fs.set_file_permissions("perm.sh", owner="no-such-one"))


def errors_have_the_sdks_classes() -> None:
    e = raised(DaytonaFileNotFoundError, lambda: fs.download_file("no/such.txt"))
    assert "no such file" in str(e)
    raised(DaytonaInvalidFilePathError, lambda: fs.download_file("grep"))
    raised(DaytonaFileNotFoundError, lambda: fs.get_file_info("no/such.txt"))
    raised(DaytonaFileNotFoundError, lambda: fs.list_files("no/such"))
    raised(DaytonaFileNotFoundError, lambda: list(fs.download_file_stream("no/such.txt")))
    raised(DaytonaValidationError, lambda: fs.delete_file(str(work), recursive=True))


def a_bad_file_doesnt_keep_the_others_from_being_stored() -> None:
    files = [
        FileUpload(b"1", "some/one.txt"),
        FileUpload(b"2", "grep"),
        FileUpload(b"3", "some/three.txt"),
    ]
    e = raised(DaytonaError, lambda: fs.upload_files(files))
    assert e.status_code == 400, e.status_code
    assert str(e).count("is a directory") == 1 and "three" not in str(e), e
    assert fs.download_file("some/three.txt") == b"3"


def a_stopped_sandbox_refuses() -> None:
    s = daytona.create()
    s.fs.upload_file(b"kept", "kept.txt")
    s.stop()
    raised(DaytonaConflictError, lambda: s.fs.list_files("."))
    raised(DaytonaError, lambda: s.fs.upload_file(b"x", "x"))
    raised(DaytonaError, lambda: s.fs.download_file("kept.txt"))
    s.start()
    assert s.fs.download_file("kept.txt") == b"kept"
    s.delete()


if __name__ == "__main__":
    asyncio.run(
        report(
            [
                a_megabyte_there_and_back,
                a_local_file_there_and_back,
                an_empty_file,
                names_of_all_kinds,
                many_files_at_once,
                a_stream_up_and_down,
                a_cancelled_upload_leaves_nothing,
                what_a_file_is,
                a_directorys_list,
                move_and_delete,
                text_is_found_and_replaced,
                names_are_searched,
                permissions,
                errors_have_the_sdks_classes,
                a_bad_file_doesnt_keep_the_others_from_being_stored,
                a_stopped_sandbox_refuses,
            ]
        )
    )
    sandbox.delete()
