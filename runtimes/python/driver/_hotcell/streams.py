"""Descriptors 0, 1 and 2 and the text streams on them.

The streams write through: what was printed is in the pipe when print returns,
so it stands before whatever a subprocess, a C library or os.write sends next,
and it is seen at once without a timer or a thread.
"""

from __future__ import annotations

import builtins
import ctypes
import io
import os
import select
import sys
from collections.abc import Callable
from typing import Any

_write = os.write
_dup2 = os.dup2
_CLOSED = select.POLLNVAL


class Pipe(io.FileIO):
    """A pipe that takes all of what is written, also when a signal cuts in."""

    def __init__(self, fd: int) -> None:
        super().__init__(fd, "wb", closefd=False)
        self._fd = fd

    def write(self, data: Any) -> int:
        done = 0
        if type(data) is bytes and not self.closed:  # what the text stream above writes
            done = _write(self._fd, data)
            if done == len(data):
                return done
        with memoryview(data).cast("B") as view:
            while done < len(view):
                done += _write(self.fileno(), view[done:])
            return len(view)


def open_text(fd: int) -> io.TextIOWrapper:
    """A stream on fd that never fails over what a character looks like."""
    pipe = Pipe(fd)
    stream = io.TextIOWrapper(
        pipe,
        encoding="utf-8",
        errors="backslashreplace",
        newline="\n",
        write_through=True,
    )
    return stream


def open_input() -> io.TextIOWrapper:
    return open(0, encoding="utf-8", errors="replace", closefd=False)


def unbuffer_c_output() -> None:
    """Let printf in a C library write at once, as Python does."""
    try:
        libc = ctypes.CDLL(None)
        for name in ("stdout", "__stdoutp"):  # glibc and musl; macOS
            try:
                handle = ctypes.c_void_p.in_dll(libc, name)
            except ValueError:
                continue
            libc.setvbuf(handle, None, 2, ctypes.c_size_t(0))
            return
    except (OSError, AttributeError):
        return


class Streams:
    """Keeps spare copies of the descriptors and puts broken ones right."""

    stdin: io.TextIOWrapper
    stdout: io.TextIOWrapper
    stderr: io.TextIOWrapper

    def __init__(self, spare: Callable[[int], int]) -> None:
        self._spares = {fd: spare(os.dup(fd)) for fd in (0, 1, 2)}
        self._watch = select.poll()  # for nothing but what is wrong with them
        for fd in self._spares:
            self._watch.register(fd, 0)
        self.stdin = open_input()
        self.stdout = open_text(1)
        self.stderr = open_text(2)
        self.install()

    def adopt(self, stdout: int, stderr: int) -> None:
        """In a fork: write to its own pipes."""
        _dup2(stdout, 1)
        _dup2(stderr, 2)
        for fd, spare in self._spares.items():
            _dup2(fd, spare, False)

    def close(self) -> None:
        """Give up the spare copies."""
        for fd in self._spares.values():
            os.close(fd)

    def descriptors(self) -> list[int]:
        return [*self._spares, *self._spares.values()]

    def install(self) -> None:
        for name, stream in (
            ("stdin", self.stdin),
            ("stdout", self.stdout),
            ("stderr", self.stderr),
        ):
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)

    def repair(self) -> None:
        """Before a cell: replace what is closed or can't be written to.

        A stream that user code put there and that works stays.
        """
        self.repair_descriptors()
        if self.stdin.closed:
            self.stdin = open_input()
        if self.stdout.closed:
            self.stdout = open_text(1)
        if self.stderr.closed:
            self.stderr = open_text(2)
        now = vars(sys)
        for name, ours, method in (
            ("stdin", self.stdin, "readline"),
            ("stdout", self.stdout, "write"),
            ("stderr", self.stderr, "write"),
        ):
            stream = now.get(name)
            if stream is not ours and not usable(stream, method):
                setattr(sys, name, ours)

    def repair_descriptors(self) -> None:
        for fd, event in self._watch.poll(0):
            if event & _CLOSED:
                _dup2(self._spares[fd], fd)

    def flush(self) -> None:
        """Before a message: nothing of ours is buffered, a user's stream may be."""
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name, None)
            if stream is not None and stream is not getattr(self, name):
                try:
                    stream.flush()
                except Exception:
                    pass


def usable(stream: object, method: str) -> bool:
    try:
        return callable(getattr(stream, method)) and not getattr(stream, "closed", False)
    except Exception:
        return False


class Builtins:
    """Puts back the built-ins without which nothing runs."""

    def __init__(self) -> None:
        self._saved = dict(vars(builtins))

    def repair(self) -> None:
        now = vars(builtins)
        for name, value in self._saved.items():
            if name not in now or (callable(value) and not callable(now[name])):
                now[name] = value
