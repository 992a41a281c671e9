"""Frames: a 4-byte big-endian length and that many bytes of JSON.

Everything that user code could break is bound here when the driver starts: the
encoder and the decoder are private copies of the standard library's.
"""

from __future__ import annotations

import importlib.util
import os
import select
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, NoReturn

Frame = dict[str, Any]

MAX_FRAME = 64 << 20  # the server refuses more
CHUNK = 1 << 18  # a cell of ordinary size arrives in one piece

_exit = os._exit


class Hangup(BaseException):
    """The server has closed its end, or asked for the end."""


class FrameTooLarge(ValueError):
    """What was to be sent is over MAX_FRAME."""


def _private(name: str) -> ModuleType:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ImportError(f"the standard library has no {name}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _make_encoder() -> Callable[[Any], str]:
    """JSONEncoder.encode, without making its parts anew for every frame."""
    module = _private("json.encoder")
    encoder = module.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    try:
        string = module.encode_basestring_ascii
        parts = module.c_make_encoder(
            None, encoder.default, string, None, ":", ",", False, False, False
        )
        parts({"type": ["x"]}, 0)
    except Exception:  # another Python's may want something else
        encode: Callable[[Any], str] = encoder.encode
        return encode
    join = "".join
    return lambda value: join(parts(value, 0))


encode_json = _make_encoder()
_scan = _private("json.decoder").JSONDecoder().scan_once


class Connection:
    """The driver's end of the protocol.

    Only the main thread receives. Any thread may send; a forked child may do
    neither, its copy of the descriptor is closed at the fork.
    """

    def __init__(self, fd: int) -> None:
        self.socket = socket.socket(fileno=fd)
        self.fileno = fd
        self._recv = self.socket.recv
        self._sendall: Callable[[bytes], None] = self.socket.sendall
        self._lock = threading.Lock()
        self._arrived = select.poll()
        self._arrived.register(fd, select.POLLIN)
        self._buffer = bytearray()
        self._frames: deque[Frame] = deque()
        self._inherit = True
        self._held = b""

    def adopt(self, fd: int) -> None:
        """In a fork of the template: talk to the server through this descriptor."""
        os.dup2(fd, self.fileno, False)

    def drop(self) -> None:
        """In a forked child: this copy of the connection is not ours to use."""
        self._inherit = False
        self.socket.close()

    @property
    def ours(self) -> bool:
        """Whether this is the process that the server talks to."""
        return self._inherit

    def send(self, frame: Frame) -> None:
        """Send a frame. The caller keeps interrupts away (see interrupts.py)."""
        if not self._inherit:
            return
        self.send_packed(pack(frame))

    def send_packed(self, packed: bytes) -> None:
        try:
            with self._lock:
                if self._held:
                    packed = self._held + packed
                    self._held = b""
                self._sendall(packed)
        except OSError:
            raise Hangup from None

    def hold(self, frame: Frame) -> None:
        """Send a frame along with the next one: a value and the done behind it
        wake the server once."""
        packed = pack(frame)
        with self._lock:
            self._held += packed

    def fill(self, flags: int = 0) -> None:
        """Receive once. Raises Hangup at the end of the stream."""
        try:
            chunk = self._recv(CHUNK, flags)
        except BlockingIOError:
            return
        except OSError:
            raise Hangup from None
        if not chunk:
            raise Hangup
        self._feed(chunk)

    def _feed(self, chunk: bytes) -> None:
        buffer = self._buffer
        buffer += chunk
        while len(buffer) >= 4:
            size = int.from_bytes(buffer[:4], "big")
            if len(buffer) < size + 4:
                return
            text = buffer[4 : size + 4].decode("utf-8", "surrogatepass")
            del buffer[: size + 4]
            self._frames.append(_scan(text, 0)[0])  # what the server sends has no blanks around it

    def arrives(self, seconds: float) -> bool:
        """Whether there is a frame to take, or comes within that time."""
        if not self._frames and select.select([self.fileno], [], [], seconds)[0]:
            self.fill(socket.MSG_DONTWAIT)
        return bool(self._frames)

    def mute(self, muted: bool) -> None:
        """Send nothing, for a rehearsal."""
        self._sendall = _discard if muted else self.socket.sendall

    def rehearse(self) -> None:
        """Read a frame like one of the server's, unless there is a piece of a real one."""
        if not self._buffer and not self._frames:
            self._feed(pack({"type": "execute", "id": "x", "code": "1+1\n"}))
            self._frames.clear()

    def take(self) -> Frame | None:
        """The next frame that has already arrived."""
        return self._frames.popleft() if self._frames else None

    def receive(self) -> Frame:
        """Wait for the next frame."""
        while not self._frames:
            self.fill()
        return self._frames.popleft()

    def interrupted(self) -> bool:
        """Whether a frame that asks for an interrupt has arrived."""
        if self._arrived.poll(0):
            self.fill(socket.MSG_DONTWAIT)
        return bool(self._frames) and any(f["type"] == "interrupt" for f in self._frames)

    def peek(self) -> bytes:
        """What has arrived and was not received, at most 4 KiB of it."""
        try:
            head: bytes = self._recv(4096, socket.MSG_PEEK | socket.MSG_DONTWAIT)
            return head
        except OSError:
            return b""


def _discard(_: object) -> None:
    """Stands for sendall."""


def pack(frame: Frame) -> bytes:
    body: bytes = encode_json(frame).encode("ascii")
    if len(body) > MAX_FRAME:
        raise FrameTooLarge(
            f"{len(body) >> 20} MiB to show; at most {MAX_FRAME >> 20} MiB fit in one message"
        )
    return len(body).to_bytes(4, "big") + body


def high_descriptor(fd: int) -> int:
    """Move a descriptor out of the way of user code, closed at every exec."""
    import fcntl

    high = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _floor())
    if high != fd:
        os.close(fd)
    return high


@contextmanager
def high_descriptors() -> Iterator[None]:
    """What is opened inside is out of the way of user code, too."""
    fill = [os.dup(0)]
    try:
        while fill[-1] < _floor() - 1:
            fill.append(os.dup(0))
        yield
    finally:
        for fd in fill:
            os.close(fd)


def _floor() -> int:
    import resource

    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 200 if soft == resource.RLIM_INFINITY or soft > 256 else max(3, soft // 2)


def end_process(status: int) -> NoReturn:
    """End this process at once, with what is buffered written out."""
    for name in ("stdout", "stderr"):
        try:
            getattr(sys, name).flush()
        except BaseException:
            pass
    _exit(status)
