"""The kernel: answers the server's frames, one at a time."""

from __future__ import annotations

import asyncio
import atexit
import builtins
import faulthandler
import getpass
import os
import platform
import random
import sys
import time
from types import ModuleType
from typing import Any

from . import cell, complete, errors
from .charts import Charts, watch_imports
from .display import Formatter, encode
from .history import History
from .interrupts import Interrupts, on_main_thread
from .loop import KernelLoop
from .protocol import Connection, Frame, Hangup, end_process, high_descriptor
from .shell import Sinks, build, introduce
from .sources import Sources, teach_inspect
from .streams import Builtins, Streams

PROTOCOL = 1
NAMES = 200  # top-level names told with a done
NAMES_SECONDS = 0.005

_perf_counter = time.perf_counter
_environ = os.environ
_running: list[Kernel] = []


def current() -> Kernel | None:
    return _running[-1] if _running else None


class Kernel:
    """Built once, in the template; connected in each forked child."""

    connection: Connection
    streams: Streams
    loop: KernelLoop

    def __init__(self) -> None:
        self.main = sys.modules["__main__"]
        namespace = vars(self.main)
        for name in [n for n in namespace if not n.startswith("__")]:
            del namespace[name]
        sinks = Sinks()
        sinks.error, sinks.value = self.show_error, self.show_value
        sinks.publish, sinks.clear = self.publish, self.clear_output
        self.shell = build(self.main, sinks)
        self.namespace = namespace
        self.interrupts = Interrupts()
        self.history = History(self.shell)
        self.sources = Sources(self.history.drop)
        self.compiler = cell.Compiler(self.shell)
        self.formatter = Formatter(self.shell.display_formatter)
        self.charts = Charts(lambda data, metadata: self.publish(data, metadata, "", False))
        formatters = self.shell.display_formatter.formatters
        formatters["image/png"].for_type_by_name("matplotlib.figure", "Figure", self.charts.draw)
        builtins.input = self.ask
        getpass.getpass = self.ask_secret
        self.builtins = Builtins()
        self.check_builtins = False
        self.id = ""  # of the running execution
        self.stdin = False
        self.failed = False
        self.count = 0
        teach_inspect(self.sources)
        self.handlers = {
            "configure": self.configure,
            "execute": self.execute,
            "complete": self.complete,
            "inspect": self.inspect,
            "is_complete": self.is_complete,
        }
        _running.append(self)

    # The life of a kernel.

    def serve(self, protocol_fd: int) -> None:
        """Connect and answer until the end. Never returns."""
        status = 0
        try:
            self.connection = Connection(high_descriptor(protocol_fd))
            self.interrupts.connection = self.connection
            self.interrupts.install()
            self.streams = Streams(high_descriptor)
            faulthandler.enable(file=2, all_threads=False)
            watch_imports()
            self.loop = KernelLoop(self.connection, self.interrupts)
            self.connection.send(
                {
                    "type": "hello",
                    "protocol": PROTOCOL,
                    "language": "python",
                    "version": platform.python_version(),
                }
            )
            while True:
                frame = self.loop.wait()
                if frame.get("type") == "shutdown":
                    break
                handler = self.handlers.get(frame.get("type", ""))
                if handler is not None:
                    handler(frame)
        except Hangup:
            pass
        except BaseException:
            import traceback

            traceback.print_exc(file=sys.__stderr__)
            status = 1
        self.end(status)

    def end(self, status: int) -> None:
        if self.connection.ours:
            try:
                atexit._run_exitfuncs()
            except BaseException:
                pass
        end_process(status)

    def configure(self, frame: Frame) -> None:
        refusal = ""
        language = frame.get("language") or "python"
        try:
            if language != "python":
                raise ValueError(f"this kernel runs python, not {language}")
            _environ.update(frame.get("env") or {})
            if "TZ" in (frame.get("env") or {}):
                time.tzset()
            if frame.get("cwd"):
                os.chdir(frame["cwd"])
            reseed()
        except Exception as error:
            refusal = errors.text_of(error)
        if refusal:
            self.connection.send({"type": "refused", "value": refusal})
        else:
            self.connection.send({"type": "ready"})

    # Cells.

    def execute(self, frame: Frame) -> None:
        self.id = str(frame.get("id", ""))
        self.stdin = bool(frame.get("stdin"))
        self.failed = False
        self.prepare()
        error: BaseException | None = None
        try:
            try:
                self.interrupts.arm()
                if "interrupt" in self.connection.waiting():
                    self.interrupts.strike_now()
                self.run(str(frame.get("code", "")), frame.get("env") or {})
            finally:
                self.interrupts.disarm()
        except BaseException as raised:
            error = raised
        self.interrupts.disarm()
        if self.check_builtins:
            self.builtins.repair()
        if not self.connection.ours:
            leave_fork(error)
        if isinstance(error, Hangup):
            raise error
        status = self.conclude(error)
        self.streams.flush()
        names, more = self.names()
        done = {"type": "done", "id": self.id, "status": status, "names": names, "more": more}
        self.id = ""
        self.interrupts.install()
        self.connection.send(done)

    def prepare(self) -> None:
        """Put right what an earlier cell may have broken."""
        self.namespace["__builtins__"] = builtins
        if "_oh" not in self.namespace:  # globals().clear()
            self.namespace["__name__"] = "__main__"
            introduce(self.shell)
        sys.modules["__main__"] = self.main
        self.streams.repair()
        self.interrupts.install()
        self.loop.ready()
        self.charts.begin()

    def run(self, code: str, env: dict[str, str]) -> None:
        self.count += 1
        name = f"<cell {self.count}>"
        shell = self.shell
        shell.execution_count = self.count + 1
        self.check_builtins = "builtins" in code
        self.sources.add(name, code)
        self.history.add(code)
        saved = {key: _environ.get(key) for key in env}
        try:
            _environ.update(env)
            self.trigger("pre_execute")
            self.trigger("pre_run_cell", None)
            program = self.compiler.compile(code, name)
            cell.run(program, self.namespace, self.loop, self.show_value)
        finally:
            if env:
                restore_environment(saved)
            if self.connection.ours:
                self.charts.finish()
                self.trigger("post_execute")
                self.trigger("post_run_cell", None)

    def trigger(self, event: str, *arguments: Any) -> None:
        callbacks = self.shell.events.callbacks.get(event)
        if callbacks:
            self.shell.events.trigger(event, *arguments)

    def conclude(self, error: BaseException | None) -> str:
        if error is None:
            return "error" if self.failed else "ok"
        if isinstance(error, SystemExit) and error.code in (None, 0):
            return "ok"
        interrupted = isinstance(error, (KeyboardInterrupt, asyncio.CancelledError)) and (
            self.interrupts.raised or "interrupt" in self.connection.waiting()
        )
        if interrupted and not isinstance(error, KeyboardInterrupt):
            error = KeyboardInterrupt().with_traceback(error.__traceback__)
        self.show_error(error)
        return "interrupted" if interrupted else "error"

    def show_error(self, error: BaseException) -> None:
        """Send an error event. Formatting runs user code, so it can be interrupted."""
        self.failed = True
        raised, armed = self.interrupts.raised, self.interrupts.armed
        if sys.getrecursionlimit() < 1000:
            sys.setrecursionlimit(1000)
        self.sources.restore()
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
        if not self.id or not on_main_thread():
            sys.stderr.write(trace)
            return
        self.streams.flush()
        with self.interrupts:
            self.connection.send(
                {"type": "error", "id": self.id, "name": name, "value": value, "traceback": trace}
            )

    def names(self) -> tuple[list[str], int]:
        """The user's variables, functions and classes; modules come back with an import."""
        hidden = self.shell.user_ns_hidden
        until = _perf_counter() + NAMES_SECONDS
        found: list[str] = []
        more = 0
        for position, (name, value) in enumerate(list(self.namespace.items())):
            if not isinstance(name, str) or name.startswith("_") or type(value) is ModuleType:
                continue
            if name in hidden and hidden[name] is value:
                continue
            if len(found) < NAMES and (position % 64 or _perf_counter() < until):
                found.append(name)
            else:
                more += 1
        return found, more

    # What user code shows and asks.

    def show_value(self, value: Any, last: bool = False) -> None:
        """Show the value of an expression: of the cell's last one as its result."""
        if value is None or value is self.namespace.get("exit"):
            return
        data, metadata = self.formatter.format(value)
        self.history.remember(value)
        if not data or not self.connection.ours:
            return
        if not last:
            self.publish(data, metadata, "", False)
            return
        self.streams.flush()
        frame = {"type": "result", "id": self.id, "data": encode(data)}
        if metadata:
            frame["metadata"] = encode_metadata(metadata)
        with self.interrupts:
            self.connection.hold(frame)

    def publish(
        self, data: dict[str, Any], metadata: dict[str, Any], display_id: str, update: bool
    ) -> None:
        frame = {"type": "display", "id": self.id, "data": encode(data)}
        if metadata:
            frame["metadata"] = encode_metadata(metadata)
        if display_id:
            frame["display_id"] = display_id
        if update:
            frame["update"] = True
        if not self.tell(frame):
            # No execution to belong to: it goes where a print would go.
            sys.stdout.write(str(data.get("text/plain", "")) + "\n")

    def clear_output(self, wait: bool) -> None:
        self.tell({"type": "clear_output", "id": self.id, "wait": bool(wait)})

    def tell(self, frame: Frame) -> bool:
        """Send, and wait until the server has taken the output that came before."""
        if not self.id or not self.connection.ours:
            return False
        self.streams.flush()
        if not on_main_thread():
            self.connection.send(frame)
            return True
        frame["ack"] = True
        with self.interrupts:
            self.connection.send(frame)
            self.await_answer("ack")
        return True

    def await_answer(self, kind: str) -> Frame:
        while True:
            frame = self.connection.receive()
            if frame["type"] == kind:
                return frame
            if frame["type"] == "shutdown":
                raise Hangup

    def ask(self, prompt: object = "", /) -> str:
        """input()"""
        return self.request_input(str(prompt), password=False)

    def ask_secret(self, prompt: str = "Password: ", stream: object = None, **_: Any) -> str:
        """getpass.getpass()"""
        return self.request_input(str(prompt), password=True)

    def request_input(self, prompt: str, password: bool) -> str:
        mine = self.stdin and self.id and self.connection.ours
        if not mine or not on_main_thread():
            sys.stdout.write(prompt)
            raise EOFError("EOF when reading a line: this execution has no input")
        self.streams.flush()
        frame = {"type": "input_request", "id": self.id, "prompt": prompt, "password": password}
        with self.interrupts:
            self.connection.send(frame)
        answer = self.await_answer("input_reply")
        if answer.get("eof"):
            raise EOFError("EOF when reading a line")
        return str(answer.get("value", ""))

    # Questions about code.

    def complete(self, frame: Frame) -> None:
        code, cursor = str(frame.get("code", "")), int(frame.get("cursor", 0))
        nothing = {"matches": [], "start": cursor, "end": cursor}
        self.reply("complete", frame, nothing, lambda: complete.complete(self.shell, code, cursor))

    def inspect(self, frame: Frame) -> None:
        code, cursor = str(frame.get("code", "")), int(frame.get("cursor", 0))
        detail = int(frame.get("detail", 0))
        self.reply(
            "inspect",
            frame,
            {"found": False},
            lambda: complete.inspect_at(self.shell, code, cursor, detail),
        )

    def is_complete(self, frame: Frame) -> None:
        code = str(frame.get("code", ""))
        self.reply(
            "is_complete", frame, {"status": "unknown"}, lambda: complete.is_complete(self.shell, code)
        )

    def reply(self, kind: str, frame: Frame, nothing: Frame, work: Any) -> None:
        """Answer a question; whatever goes wrong in user objects is no answer."""
        answer = nothing
        self.prepare()
        try:
            try:
                self.interrupts.arm()
                answer = work()
            finally:
                self.interrupts.disarm()
        except Hangup:
            raise
        except BaseException:
            self.interrupts.disarm()
        if not self.connection.ours:
            end_process(0)
        self.connection.send({"type": kind + "_reply", "id": frame.get("id", ""), **answer})


def encode_metadata(metadata: dict[str, Any]) -> Any:
    return encode({"application/json": metadata})["application/json"]


def restore_environment(saved: dict[str, str | None]) -> None:
    for key, value in saved.items():
        if value is None:
            _environ.pop(key, None)
        else:
            _environ[key] = value


def reseed() -> None:
    """A forked kernel must not repeat its siblings' random numbers."""
    random.seed()
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()


def leave_fork(error: BaseException | None) -> None:
    """The end of a child that user code forked and that came back out of its cell."""
    status = 0
    if isinstance(error, SystemExit):
        code = error.code
        status = code if isinstance(code, int) else 0 if code is None else 1
        if status and not isinstance(code, int):
            sys.stderr.write(f"{code}\n")
    elif error is not None:
        sys.stderr.write(errors.describe(error)[2])
        status = 1
    end_process(status & 0xFF)
