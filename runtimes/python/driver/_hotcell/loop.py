"""The event loop of a kernel.

Between cells it waits for the next frame, so tasks of earlier cells go on. A
plain cell runs while it stands still; a cell with a top-level await runs on it.
"""

from __future__ import annotations

import _socket
import asyncio
import os
import select
import selectors
import socket
import sys
import traceback
from collections.abc import Coroutine
from typing import Any

from .interrupts import Interrupts
from .protocol import Connection, Frame, Hangup, end_process

_set_event_loop = asyncio.set_event_loop


class KernelLoop:
    def __init__(self, connection: Connection, interrupts: Interrupts) -> None:
        self._connection = connection
        self._interrupts = interrupts
        self._idle = False
        self._hung_up = False
        self._loop = self._open()

    def _open(self) -> asyncio.SelectorEventLoop:
        self._selector = selectors.DefaultSelector()
        # With a small cell to come, what selectors makes of the answer takes long.
        epoll = getattr(self._selector, "_selector", None)
        is_epoll = type(epoll) is getattr(select, "epoll", None)
        self._poll: Any = getattr(epoll, "poll", None) if is_epoll else None
        loop = asyncio.SelectorEventLoop(self._selector)
        loop.add_reader(self._connection.fileno, self._readable)
        self._interrupts.loop = loop
        return loop

    def ready(self) -> asyncio.SelectorEventLoop:
        """The loop, open and current: asyncio.run leaves no current one behind,
        and user code may have closed ours."""
        if self._loop.is_closed():
            self._loop = self._open()
        try:
            _set_event_loop(self._loop)
        except Exception:  # a policy of the user's may refuse; await works without
            pass
        return self._loop

    def wait(self) -> Frame:
        """Run the tasks that there are until the next frame."""
        connection = self._connection
        frame = connection.take()
        while frame is None:
            self._idle = True
            try:
                if self._frame_alone():
                    self._receive()
                else:
                    self.ready().run_forever()
            except OSError:  # the selector's descriptor was closed
                self._abandon()
            except BaseException:  # a task's SystemExit or KeyboardInterrupt
                report_background_error()
            finally:
                self._idle = False
            if not connection.ours:
                end_process(0)
            if self._hung_up:
                raise Hangup
            frame = connection.take()
        return frame

    def _frame_alone(self) -> bool:
        """Wait as the loop would, if it has nothing to do. Whether the server's
        descriptor alone is ready then: a turn of the loop for it would take as long
        as a small cell does."""
        loop = self._loop
        # asyncio has no public word for what it still has to do.
        if getattr(loop, "_ready", True) or getattr(loop, "_scheduled", True) or loop.is_closed():
            return False
        if self._poll is None:
            keys = self._selector.select()
            return len(keys) == 1 and keys[0][0].fd == self._connection.fileno
        ready = self._poll(-1, 2)
        return len(ready) == 1 and ready[0][0] == self._connection.fileno

    def turn(self) -> None:
        """Once around, woken through the selector as by a frame. For a rehearsal."""
        loop = self.ready()
        loop.call_soon_threadsafe(loop.stop)
        loop.run_forever()

    def run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run an asynchronous cell, which keeps its own errors."""
        loop = self._loop
        task = loop.create_task(coroutine)
        task.add_done_callback(lambda _: loop.stop())
        self._interrupts.task = task
        try:
            while not task.done():
                try:
                    loop.run_forever()
                except KeyboardInterrupt:
                    # It struck another task than the cell's.
                    if not task.done():
                        task.cancel()
                except SystemExit:
                    report_background_error()
                if loop.is_closed():
                    raise RuntimeError("the cell closed the event loop that it runs on")
        finally:
            self._interrupts.task = None

    def descriptors(self) -> list[int]:
        """The selector's and those of the sockets that wake it; none in a Python
        that keeps them elsewhere."""
        pair = [getattr(self._loop, name, None) for name in ("_ssock", "_csock")]
        if not all(isinstance(end, socket.socket) for end in pair):
            return []
        return [self._selector.fileno(), *(end.fileno() for end in pair if end)]

    def adopt(self, places: list[int]) -> None:
        """In a fork: put new ones in these places, which were what descriptors()
        said. That writes to far less memory than opening another loop."""
        if not places:
            self._template = self._loop  # closing it would close what has its numbers now
            self._loop = self._open()
            return
        place, *pair = places
        kind = socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
        for end, fd in zip(_socket.socketpair(socket.AF_UNIX, kind), pair, strict=True):
            os.dup2(end.fileno(), fd, False)
            end.close()
        fresh = select.epoll()
        for watched in self._selector.get_map():
            fresh.register(watched, select.EPOLLIN)
        os.dup2(fresh.fileno(), place, False)
        fresh.close()

    def close(self) -> None:
        self._loop.close()
        _set_event_loop(None)

    def _readable(self) -> None:
        self._receive()
        if self._idle:
            self._loop.stop()

    def _receive(self) -> None:
        connection = self._connection
        if not connection.ours:
            return
        try:
            connection.fill()
        except Hangup:
            self._hung_up = True
            if not self._idle:  # a cell is awaiting something that nobody wants
                end_process(0)

    def _abandon(self) -> None:
        try:
            self._loop.close()
        except Exception:
            pass
        self._loop = self._open()


def report_background_error() -> None:
    try:
        traceback.print_exc(file=sys.stderr)
    except Exception:
        pass
