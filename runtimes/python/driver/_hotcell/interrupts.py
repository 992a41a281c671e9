"""SIGINT: it ends the running cell, and nothing else.

The handler raises only while user code runs ("armed") and no frame is being
sent ("shielded"); a signal that comes between cells is ignored.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # signal without its enums: ten times faster
import asyncio
import selectors
import signal
import threading
from types import FrameType, TracebackType
from typing import Any

from .protocol import Connection

_set_handler = _signal.signal
_sigmask = _signal.pthread_sigmask
_SIGINT = int(signal.SIGINT)
_UNBLOCK = int(signal.SIG_UNBLOCK)
_ident = threading.get_ident
_main = threading.main_thread().ident  # a forked child keeps it

# Where the loop itself is, and not a task or a callback that it runs.
_LOOP_FILES = frozenset(
    function.__code__.co_filename
    for function in (
        selectors.DefaultSelector.select,
        asyncio.BaseEventLoop.run_forever,
        asyncio.Handle._run,
    )
)


def on_main_thread() -> bool:
    return _ident() == _main


class Interrupts:
    def __init__(self) -> None:
        self.connection: Connection | None = None
        self.armed = False
        self.raised = False  # whether this cell has been interrupted
        self.task: asyncio.Task[Any] | None = None  # of an asynchronous cell
        self.loop: asyncio.AbstractEventLoop | None = None
        self._shields = 0
        self._owed = False

    def install(self) -> None:
        """Make the handler ours again, whatever user code did with it."""
        _set_handler(_SIGINT, self._handle)
        _sigmask(_UNBLOCK, (_SIGINT,))

    def arm(self) -> None:
        self.raised = False
        self._owed = False
        self._shields = 0
        self.armed = True

    def disarm(self) -> None:
        self.armed = False

    def _handle(self, _signum: int, frame: FrameType | None) -> None:
        if not self.armed:
            if self._blocked_in_background():
                raise KeyboardInterrupt
            return
        if self._shields:
            self._owed = True
            return
        self._strike(frame)

    def _strike(self, frame: FrameType | None) -> None:
        self.raised = True
        loop, task = self.loop, self.task
        waits = frame is not None and frame.f_code.co_filename in _LOOP_FILES
        if loop is None or task is None or not waits:
            raise KeyboardInterrupt
        # The cell waits for something: its await ends, with the loop intact.
        # Thread-safe, because that wakes the selector too.
        loop.call_soon_threadsafe(task.cancel)

    def strike_now(self) -> None:
        """Act on an interrupt that came before the cell was armed."""
        self.raised = True
        raise KeyboardInterrupt

    def _blocked_in_background(self) -> bool:
        """Whether a task left over from an earlier cell holds up a waiting one.

        Late signals are ignored between cells. But a step of a background
        task that never ends would keep the next cell from starting for ever.
        """
        loop, connection = self.loop, self.connection
        if loop is None or connection is None or not loop.is_running():
            return False
        if asyncio.current_task(loop) is None:
            return False
        return b'"execute"' in connection.peek()

    def __enter__(self) -> None:
        """Shield: what is inside is not torn apart by an interrupt."""
        if on_main_thread():
            self._shields += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not on_main_thread():
            return
        self._shields -= 1
        if self._shields == 0 and self._owed:
            self._owed = False
            if self.armed:
                self._strike(None)
