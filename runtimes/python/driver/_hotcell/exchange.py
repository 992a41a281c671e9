"""What a running cell shows, and what it asks for."""

from __future__ import annotations

import sys
from typing import Any

from . import errors
from .charts import MIME as CHART
from .display import Formatter, encode, plain
from .history import History
from .interrupts import Interrupts, on_main_thread
from .protocol import Connection, Frame, Hangup
from .sources import Sources
from .streams import Streams


class Exchange:
    """Between user code and the server, for the execution that is running."""

    connection: Connection
    streams: Streams
    formatter: Formatter

    def __init__(self, interrupts: Interrupts) -> None:
        self.interrupts = interrupts
        self.id = ""  # of the running execution; empty between two
        self.stdin = False
        self.failed = False  # whether it has sent an error

    def begin(self, frame: Frame) -> None:
        self.id = str(frame.get("id", ""))
        self.stdin = bool(frame.get("stdin"))
        self.failed = False

    def show_value(self, value: Any, history: History, last: bool) -> None:
        """Show the value of an expression: of the cell's last one as its result."""
        if value is None:
            return
        data, metadata = self.formatter.format(value)
        history.remember(value)
        if not data or not self.connection.ours:
            return
        if not last:
            self.publish(data, metadata, "", False)
            return
        self.streams.flush()
        bundle = encode(data)
        frame = {"type": "result", "id": self.id, "data": bundle}
        if metadata:
            frame["metadata"] = plain(metadata)
        try:
            with self.interrupts:
                self.connection.hold(frame)
        except ValueError:
            if bundle.pop(CHART, None) is None:
                raise
            with self.interrupts:
                self.connection.hold(frame)

    def publish(
        self, data: dict[str, Any], metadata: dict[str, Any], display_id: str, update: bool
    ) -> None:
        """display()"""
        frame: Frame = {"type": "display", "id": self.id, "data": encode(data)}
        if metadata:
            frame["metadata"] = plain(metadata)
        if display_id:
            frame["display_id"] = display_id
        if update:
            frame["update"] = True
        try:
            told = self._tell(frame)
        except ValueError:  # not JSON, or too large: the picture is more than no picture
            if frame["data"].pop(CHART, None) is None:
                raise
            told = self._tell(frame)
        if not told:
            # No execution to belong to: it goes where a print would go.
            sys.stdout.write(str(data.get("text/plain", "")) + "\n")

    def clear_output(self, wait: bool) -> None:
        self._tell({"type": "clear_output", "id": self.id, "wait": bool(wait)})

    def show_error(self, error: BaseException, sources: Sources) -> None:
        """Send an error event. Formatting runs user code, so it can be interrupted."""
        self.failed = True
        raised, armed = self.interrupts.raised, self.interrupts.armed
        if sys.getrecursionlimit() < 1000:
            sys.setrecursionlimit(1000)
        sources.restore()
        try:
            self.interrupts.armed = True
            name, value, trace = errors.describe(error)
        except BaseException as failure:
            name = type(error).__name__
            value = f"<not shown: {type(failure).__name__} while it was formatted>"
            trace = f"Traceback (most recent call last):\n{name}: {value}\n"
        finally:
            self.interrupts.armed = armed
            self.interrupts.raised = raised
        errors.remember(error)
        if not self.id or not on_main_thread() or not self.connection.ours:
            sys.stderr.write(trace)
            return
        self.streams.flush()
        with self.interrupts:
            self.connection.send(
                {"type": "error", "id": self.id, "name": name, "value": value, "traceback": trace}
            )

    def ask(self, prompt: object = "", /) -> str:
        """input()"""
        return self._request_input(str(prompt), password=False)

    def ask_secret(self, prompt: str = "Password: ", stream: object = None, **_: Any) -> str:
        """getpass.getpass()"""
        return self._request_input(str(prompt), password=True)

    def _tell(self, frame: Frame) -> bool:
        """Send, and wait until the server has taken the output that came before."""
        if not self.id or not self.connection.ours:
            return False
        self.streams.flush()
        if not on_main_thread():  # only the main thread receives answers
            self.connection.send(frame)
            return True
        frame["ack"] = True
        with self.interrupts:
            self.connection.send(frame)
            self._await("ack")
        return True

    def _request_input(self, prompt: str, password: bool) -> str:
        mine = self.stdin and self.id and self.connection.ours
        if not mine or not on_main_thread():
            sys.stdout.write(prompt)
            raise EOFError("EOF when reading a line: this execution has no input")
        self.streams.flush()
        frame: Frame = {"type": "input_request", "id": self.id, "prompt": prompt}
        frame["password"] = password
        with self.interrupts:
            self.connection.send(frame)
        answer = self._await("input_reply")
        if answer.get("eof"):
            raise EOFError("EOF when reading a line")
        return str(answer.get("value", ""))

    def _await(self, kind: str) -> Frame:
        while True:
            frame = self.connection.receive()
            if frame["type"] == kind:
                return frame
            if frame["type"] == "shutdown":
                raise Hangup
