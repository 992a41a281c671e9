"""A kernel that becomes a program: what `python3 -u program.py` would be, without its start.

The bootstrap (Go's payload.go) runs the program's code itself, so that nothing of the driver is
below it on the stack. fail() and end() do what the interpreter does when a program raises and
when it ends.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import atexit
import faulthandler
import gc
import os
import platform
import sys
import types
import warnings
import weakref
from typing import TYPE_CHECKING, NoReturn

from . import running
from .charts import watch_imports
from .protocol import Connection, Frame, Hangup, high_descriptor
from .script_begins import arrange_finders, new_main, open_streams, read, settle_in
from .script_charts import Driver, ScriptCharts, newer
from .script_ends import empty, flush, flush_c_output, join_threads, leaving, report

if TYPE_CHECKING:
    from .kernel import Kernel

_exit = os._exit

# More than this are compiled with the garbage collector at rest: the parser allocates as much
# again, none of it garbage.
LARGE = 1 << 16

SIGINT = int(_signal.SIGINT)


class Script:
    """The program. Its names are those of a new __main__."""

    def __init__(self, frame: Frame, connection: Connection, driver: Driver) -> None:
        asked = frame["script"]
        self._connection = connection
        self._path = str(asked["path"])
        self._home = str(frame["cwd"])
        self._source = read(asked["file"])
        self._status = 0
        self._interrupted = False
        self._raised: BaseException | None = None
        self._compiled = False
        self.charts = ScriptCharts(connection, driver)
        running.show_on(self)
        self._newest = next(reversed(sys.modules))  # the modules behind it are the program's
        settle_in(self._home, asked.get("env") or {})
        sys.argv[:] = [self._path, *(asked.get("args") or [])]
        sys.orig_argv[:] = [sys.executable, *sys.argv]
        sys.path[:1] = [self._home]
        module = new_main(self._path)
        self.names = vars(module)
        for name in ("__main__", "__mp_main__"):  # multiprocessing's name for it
            if name in sys.modules:
                sys.modules[name] = module

    @property
    def code(self) -> types.CodeType:
        """The compiled program. What is wrong with it is told like any other error."""
        source, self._source = self._source, b""
        pause = len(source) > LARGE and gc.isenabled()
        if pause:
            gc.disable()
        try:
            code = compile(source, self._path, "exec", dont_inherit=True)
        except ValueError as error:  # how some releases say that there is a NUL in it
            raise SyntaxError(str(error)) from None
        finally:
            if pause:
                gc.enable()
        self._compiled = True
        return code

    def fail(self) -> None:
        """Remember what the program raised. Called while that is being handled; to tell it then
        would make it the context of whatever a hook raises."""
        _, self._raised, trace = sys.exc_info()
        if self._raised is not None:
            # The first entry is the bootstrap's line.
            below = trace.tb_next if trace is not None and self._compiled else None
            BaseException.with_traceback(self._raised, below)

    def _conclude(self) -> None:
        """Tell what the program raised, and find its exit status."""
        raised, self._raised = self._raised, None
        if raised is None:
            return
        if isinstance(raised, SystemExit):
            self._status = leaving(raised)
            return
        self._interrupted = isinstance(raised, KeyboardInterrupt)
        sys.last_type, sys.last_value = type(raised), raised
        sys.last_traceback = raised.__traceback__
        if sys.version_info >= (3, 12):
            sys.last_exc = raised
        self._status = report(raised)

    def end(self) -> NoReturn:
        """What the interpreter does at the end of a program, in its order."""
        try:
            self._conclude()
            join_threads()
            self.charts.finish()
            atexit._run_exitfuncs()
            written = flush()
            self._forget()
            if not (flush() and written) and self._status == 0:
                self._status = 120  # what Python says when its output could not be written
            flush_c_output()
            if self._interrupted:
                _signal.signal(SIGINT, _signal.SIG_DFL)
                os.kill(os.getpid(), SIGINT)
        finally:
            _exit(self._status & 0xFF)

    def _forget(self) -> None:
        """Let go of the program's objects, so that their finalizers run."""
        for name in ("last_type", "last_value", "last_traceback", "last_exc"):
            if hasattr(sys, name):
                setattr(sys, name, None)
        main = sys.modules.pop("__main__", None)
        sys.modules.pop("__mp_main__", None)
        for name in newer(self._newest):
            if self._is_own(sys.modules[name]):
                del sys.modules[name]
        living = weakref.ref(main) if isinstance(main, types.ModuleType) else None
        self.names = {}
        del main
        gc.collect()
        if living is not None and (kept := living()) is not None:
            empty(vars(kept))
            gc.collect()

    def _is_own(self, module: object) -> bool:
        """Whether a module belongs to the program, and is no library: taking those apart takes
        long and shows nothing."""
        file = vars(module).get("__file__") if isinstance(module, types.ModuleType) else None
        return isinstance(file, str) and file.startswith(os.path.join(self._home, ""))


def become(kernel: Kernel, frame: Frame) -> Script:
    """Make a script of a kernel that nobody has used."""
    kernel.loop.close()
    kernel.streams.close()
    kernel.reset()
    kernel.plain.restore()
    return begin(frame, kernel.connection, Driver(kernel.plain.driver))


def await_script(protocol_fd: int) -> Script:
    """Start as a script: in an interpreter of its own, whose environment says how it starts."""
    connection = Connection(high_descriptor(protocol_fd))
    os.register_at_fork(after_in_child=connection.drop)
    version = platform.python_version()
    hello = {"type": "hello", "protocol": 1, "language": "python", "version": version}
    sys.path.insert(0, "")
    try:
        connection.send(hello)
        frame = connection.receive()
        while frame.get("type") != "script":
            if frame.get("type") == "shutdown":
                _exit(0)
            frame = connection.receive()
    except Hangup:
        _exit(0)
    watch_imports()
    return begin(frame, connection, Driver([n for n in sys.modules if n.startswith("_hotcell.")]))


def begin(frame: Frame, connection: Connection, driver: Driver) -> Script:
    faulthandler.disable()
    os.dup2(1, 2)
    open_streams()
    _signal.signal(SIGINT, _signal.default_int_handler)
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, (SIGINT,))
    # Whoever calls show() with a backend of another name has the figure at the end.
    warnings.filterwarnings("ignore", message="FigureCanvasAgg is non-interactive")
    arrange_finders()
    try:
        script = Script(frame, connection, driver)
    except Exception as error:
        connection.send({"type": "refused", "value": f"{type(error).__name__}: {error}"})
        _exit(1)
    connection.send({"type": "ready"})
    return script
