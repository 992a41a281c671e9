"""The kernel: answers the server's frames, one at a time."""

from __future__ import annotations

import asyncio
import atexit
import builtins
import faulthandler
import getpass
import os
import platform
import sys
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

from . import cell, complete, errors, running, script, tables
from .charts import Charts, watch_imports
from .display import Formatter
from .exchange import Exchange
from .forks import forks
from .history import History
from .interrupts import Interrupts
from .loop import KernelLoop
from .namespace import Environment, names, reseed, take_on
from .plain import Plain
from .protocol import Connection, Frame, Hangup, end_process, high_descriptor, pack
from .rehearsal import warm_up
from .shell import Sinks, build, introduce, leave
from .sources import Sources, forget_command_line, teach_inspect
from .streams import Builtins, Streams

PROTOCOL = 1


def go_through(door: str) -> None:
    """Enter a group of the system's: who writes is meant, with this one thread."""
    fd = os.open(door, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, b"0")
    finally:
        os.close(fd)


class Kernel:
    """Built once, in the template; connected in each forked child."""

    connection: Connection
    streams: Streams
    loop: KernelLoop
    plain: Plain  # in a kernel that a template has forked

    def __init__(self) -> None:
        self.main = sys.modules["__main__"]
        self.namespace = vars(self.main)
        for name in [n for n in self.namespace if not n.startswith("__")]:
            del self.namespace[name]
        self.interrupts = Interrupts()
        self.exchange = Exchange(self.interrupts)
        sinks = Sinks()
        sinks.error, sinks.value = self.show_error, self.show_value
        sinks.publish, sinks.clear = self.exchange.publish, self.exchange.clear_output
        self.shell = build(self.main, sinks)
        tables.register(self.shell.display_formatter)
        self.exchange.formatter = Formatter(self.shell.display_formatter)
        self.compiler = cell.Compiler(self.shell)
        self.charts = Charts(
            lambda data, metadata: self.exchange.publish(data, metadata, "", False)
        )
        self.charts.register(self.shell.display_formatter)
        watch_imports()
        builtins.input = self.exchange.ask
        getpass.getpass = self.exchange.ask_secret
        self.builtins = Builtins()
        self.check_builtins = False
        self.preloaded: list[str] = []  # modules, in the template
        self.serving = False  # this process is a kernel, not the template
        self.prepared = False  # nothing has run since, that could have broken something
        self.seeded = False
        hello = {"type": "hello", "protocol": PROTOCOL, "language": "python", "enters": True}
        self.hello = pack({**hello, "version": platform.python_version()})
        forget_command_line()
        self.sources = Sources()
        self.reset()
        self.handlers: dict[str, Callable[[Frame], None]] = {
            "configure": self.configure,
            "execute": self.execute,
            "complete": self.answer,
            "inspect": self.answer,
            "is_complete": self.answer,
        }
        os.register_at_fork(after_in_child=self.forked)
        running.show_on(self)

    def reset(self) -> None:
        """Forget every cell."""
        self.count = 0
        self.shell.execution_count = 1
        self.history = History(self.shell)
        self.history.clear()
        self.sources.clear()
        self.sources = Sources()
        teach_inspect(self.sources)

    # The life of a kernel.

    def serve(self, adopted: bool = False) -> script.Script:
        """Answer until the end, once connected. What returns is what it has become."""
        status = 0
        self.serving = True
        forks.ours = False
        try:
            self.connection.send_packed(self.hello)
            # While the server takes note of that.
            if adopted:
                self.loop.adopt(self.places)
            self.interrupts.install()
            warm_up(self)
            while True:
                frame = self.loop.wait()
                kind = frame.get("type", "")
                for door in frame.get("doors") or ():
                    go_through(door)
                if kind == "shutdown":
                    break
                if kind == "script":
                    return script.become(self, frame)
                if kind in self.handlers:
                    self.handlers[kind](frame)
        except Hangup:
            pass
        except BaseException:
            traceback.print_exc(file=self.streams.stderr)
            status = 1
        self.end(status)

    def connect(self, fd: int) -> None:
        """Take descriptors 0, 1 and 2, and this one for the protocol."""
        faulthandler.enable(file=2, all_threads=False)
        self.connection = self.exchange.connection = Connection(high_descriptor(fd))
        self.interrupts.connection = self.connection
        self.interrupts.install()
        self.streams = self.exchange.streams = Streams(high_descriptor)
        self.loop = KernelLoop(self.connection, self.interrupts)
        self.places = self.loop.descriptors()

    def descriptors(self) -> list[int]:
        return [self.connection.fileno, *self.streams.descriptors(), *self.places]

    def adopt(self, protocol: int, stdout: int, stderr: int) -> None:
        """In a fork of the template, which is connected to nothing: everything is
        there already, and gets descriptors of its own under the old numbers."""
        self.connection.adopt(protocol)
        self.streams.adopt(stdout, stderr)

    def forked(self) -> None:
        """In every child that user code forks: it must neither speak nor keep the
        connection open."""
        if self.serving:
            self.connection.drop()

    def end(self, status: int) -> NoReturn:
        if self.connection.ours:
            try:
                atexit._run_exitfuncs()
            except BaseException:
                pass
        end_process(status)

    def configure(self, frame: Frame) -> None:
        refusal = ""
        language = frame.get("language") or "python"
        env = frame.get("env") or {}
        try:
            if language != "python":
                raise ValueError(f"this kernel runs python, not {language}")
            take_on(env)
            if frame.get("cwd"):
                os.chdir(frame["cwd"])
        except Exception as error:
            refusal = errors.text_of(error)
        if refusal:
            self.connection.send({"type": "refused", "value": refusal})
        else:
            self.connection.send({"type": "ready"})
        # Before the next frame is read, while the answer is on its way:
        self.reseed()
        self.prepare()
        self.prepared = True

    def reseed(self) -> None:
        """A forked kernel must not repeat its siblings' random numbers."""
        if not self.seeded:
            self.seeded = True
            reseed()

    # Cells.

    def execute(self, frame: Frame) -> None:
        exchange = self.exchange
        if not self.prepared:
            self.prepare()
        self.prepared = False
        if frame.get("formats"):
            self.charts.ask(frame["formats"])
        exchange.begin(frame)
        code = str(frame.get("code", ""))
        error = self.guarded(lambda: self.run(code, frame.get("env") or {}))
        if self.check_builtins:
            self.builtins.repair()
        if not self.connection.ours:
            leave_fork(error)
        status = self.conclude(error)
        self.streams.flush()
        found, more = names(self.namespace, self.shell.user_ns_hidden)
        done = {"type": "done", "id": exchange.id, "status": status, "names": found, "more": more}
        exchange.id = ""
        self.interrupts.install()
        self.connection.send(done)

    def guarded(self, work: Callable[[], None]) -> BaseException | None:
        """Run user code, open to interrupts; return what it raised."""
        error: BaseException | None = None
        try:
            try:
                self.interrupts.arm()
                if self.connection.interrupted():
                    self.interrupts.strike_now()
                work()
            finally:
                self.interrupts.disarm()
        except Hangup:
            self.interrupts.disarm()
            raise
        except BaseException as raised:
            error = raised
        # Once more: an interrupt may have struck before the first one.
        self.interrupts.disarm()
        return error

    def prepare(self) -> None:
        """Put right what an earlier cell may have broken."""
        self.namespace["__builtins__"] = builtins
        # Lines of different cells have the same numbers, and each may warn once.
        self.namespace.pop("__warningregistry__", None)
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
        self.shell.execution_count = self.count + 1
        self.check_builtins = "builtins" in code
        self.sources.add(name, code)
        self.history.add(code)
        environment = Environment(env) if env else None
        try:
            if environment:
                environment.apply()
            self.trigger("pre_execute")
            self.trigger("pre_run_cell", None)
            program = self.compiler.compile(code, name)
            if program.defines:
                self.sources.defines()
            cell.run(program, self.namespace, self.loop, self.show_value)
        finally:
            if environment:
                environment.restore()
            if self.connection.ours:
                self.charts.finish()
                self.trigger("post_execute")
                self.trigger("post_run_cell", None)

    def trigger(self, event: str, *arguments: Any) -> None:
        if self.shell.events.callbacks.get(event):
            self.shell.events.trigger(event, *arguments)

    def conclude(self, error: BaseException | None) -> str:
        """The status of a cell that is over; its error is sent."""
        if error is None:
            return "error" if self.exchange.failed else "ok"
        if isinstance(error, SystemExit) and error.code in (None, 0):
            return "ok"
        interrupted = isinstance(error, (KeyboardInterrupt, asyncio.CancelledError)) and (
            self.interrupts.raised or self.connection.interrupted()
        )
        if interrupted and not isinstance(error, KeyboardInterrupt):
            error = KeyboardInterrupt().with_traceback(error.__traceback__)
        self.show_error(error)
        return "interrupted" if interrupted else "error"

    def show_error(self, error: BaseException) -> None:
        self.exchange.show_error(error, self.sources)

    def show_value(self, value: Any, last: bool = False) -> None:
        if value is not leave:  # a bare `exit` asks for nothing to be seen
            self.exchange.show_value(value, self.history, last)

    def answer(self, frame: Frame) -> None:
        """A question about code. Whatever goes wrong in user objects is no answer."""
        reply = complete.nothing(frame)
        self.prepare()
        self.prepared = False
        self.guarded(lambda: reply.update(complete.answer(self.shell, frame)))
        if not self.connection.ours:
            end_process(0)
        self.interrupts.install()
        self.connection.send(reply)


def leave_fork(error: BaseException | None) -> NoReturn:
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
