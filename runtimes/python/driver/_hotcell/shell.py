"""IPython's InteractiveShell, fitted to a kernel without a terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from IPython.core import interactiveshell
from IPython.core.display_trap import DisplayTrap
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.events import EventManager, available_events
from IPython.core.profiledir import ProfileDir
from traitlets.config import Config

from . import charts

ErrorSink = Callable[[BaseException], None]
ValueSink = Callable[[Any], None]
Publish = Callable[[dict[str, Any], dict[str, Any], str, bool], None]


class Sinks:
    """Where the shell hands over what it has to say. Set once, by the kernel."""

    error: ErrorSink
    value: ValueSink
    publish: Publish
    clear: Callable[[bool], None]


class Publisher(DisplayPublisher):
    """Takes what display() publishes."""

    sinks: Sinks

    def publish(
        self,
        data: dict[str, Any],
        metadata: dict[str, Any] | None = None,
        source: object = None,
        *,
        transient: dict[str, Any] | None = None,
        update: bool = False,
        **_: object,
    ) -> None:
        display_id = str((transient or {}).get("display_id") or "")
        self.sinks.publish(data, metadata or {}, display_id, update)

    def clear_output(self, wait: bool = False) -> None:
        self.sinks.clear(wait)


class Hook(DisplayHook):
    """sys.displayhook: for code that asks for it; cells hand over their value."""

    sinks: Sinks

    def __call__(self, result: Any = None) -> None:
        if result is not None:
            self.fill_exec_result(result)
            self.sinks.value(result)


class Shell(interactiveshell.InteractiveShell):
    """Differs from a terminal's shell: no history on disk, no pty, no colours,
    no profile directory, errors and displays go to the kernel."""

    sinks: Sinks
    execution_count: int = (
        1  # nobody observes it, and setting a trait takes as long as parsing a cell
    )

    def init_events(self) -> None:
        """Without IPython's own callback, whose work Kernel.prepare does: an interrupt that
        strikes in a callback is reported there, and ends nothing."""
        self.events = EventManager(self, available_events)

    def init_ipython_dir(self, ipython_dir: str | None) -> None:
        """There is none: nothing of one context may be found in another."""

    def init_profile_dir(self, profile_dir: ProfileDir | None) -> None:
        self.profile_dir = ProfileDir()

    def init_virtualenv(self) -> None:
        """The interpreter is the environment's own."""

    def init_display_pub(self) -> None:
        self.display_pub = Publisher(parent=self, shell=self)
        self.display_pub.sinks = self.sinks

    def init_displayhook(self) -> None:
        self.displayhook = Hook(parent=self, shell=self, cache_size=self.cache_size)
        self.displayhook.sinks = self.sinks
        self.display_trap = DisplayTrap(hook=self.displayhook)

    def system(self, cmd: str) -> None:
        """!cmd, with the kernel's own descriptors, so its output is in order."""
        status = run_in_shell(self.var_expand(cmd, depth=1))
        self.user_ns["_exit_code"] = status
        # IPython 8 doesn't have the trait.
        if getattr(self, "system_raise_on_error", False) and status != 0:
            raise subprocess.CalledProcessError(status, cmd)

    system_raw = system_piped = system

    def showtraceback(self, *args: Any, **kwargs: Any) -> None:
        """An error that IPython itself handles: of %run, a formatter, a hook."""
        exc_tuple = args[0] if args else kwargs.get("exc_tuple")
        error = exc_tuple[1] if exc_tuple else sys.exc_info()[1] or getattr(sys, "last_value", None)
        if error is not None:
            self.sinks.error(error)

    def showsyntaxerror(self, *_: Any, **__: Any) -> None:
        self.showtraceback()

    def enable_matplotlib(self, gui: str | None = None) -> tuple[str, str]:
        """%matplotlib: pictures are shown here, whatever is asked for."""
        charts.use_backend()
        return "inline", charts.BACKEND

    def run_line_magic(self, magic_name: str, line: str, _stack_depth: int = 1) -> Any:
        if magic_name == "config" and "InlineBackend" in line:
            charts.choose_formats(self)
        return super().run_line_magic(magic_name, line, _stack_depth + 1)

    def ask_exit(self) -> None:
        raise SystemExit(0)


def run_in_shell(command: str) -> int:
    """Run a command like os.system, but let an interrupt end the cell as well.

    Python's os.system ignores SIGINT while it waits. Returns the exit status,
    negative for a signal.
    """
    shell = next((s for s in ("/bin/bash", "/bin/sh") if os.path.exists(s)), None)
    with subprocess.Popen(command, shell=True, executable=shell) as process:
        return process.wait()


def system(command: str | bytes | os.PathLike[str] | os.PathLike[bytes]) -> int:
    """os.system, with the status encoded as wait() does."""
    text = os.fsdecode(command)
    sys.audit("os.system", os.fsencode(text))
    with subprocess.Popen(text, shell=True) as process:
        status = process.wait()
    return -status if status < 0 else status << 8


class Memory(dict[str, Any]):
    """Stands for IPython's on-disk store."""

    def __init__(self, _root: str = "") -> None:
        super().__init__()


def build(user_module: ModuleType, sinks: Sinks) -> Shell:
    config = Config()
    config.HistoryManager.enabled = False
    config.HistoryManager.hist_file = ":memory:"
    config.InteractiveShell.colors = "NoColor" if _old_ipython() else "nocolor"
    config.InteractiveShell.color_info = False
    config.InteractiveShell.autoindent = False
    config.InteractiveShell.logstart = False
    config.InteractiveShell.banner1 = ""
    config.IPCompleter.use_jedi = False
    config.StoreMagics.autorestore = False
    if hasattr(interactiveshell, "PickleShareDB"):  # IPython 8 opens it at once
        interactiveshell.PickleShareDB = Memory
    Shell.sinks = sinks
    user_ns = vars(user_module)
    shell = Shell.instance(config=config, user_module=user_module, user_ns=user_ns)
    shell.db = Memory()
    shell.builtin_trap.activate()
    introduce(shell)
    sys.displayhook = shell.displayhook
    os.system = system
    install_pager(shell)
    return shell


def introduce(shell: Shell) -> None:
    """Give __main__ the names that IPython promises."""
    shell.init_user_ns()
    for name in ("exit", "quit"):
        shell.user_ns[name] = shell.user_ns_hidden[name] = leave
    for name in ("_", "__", "___"):
        shell.user_ns.setdefault(name, "")


def _old_ipython() -> bool:
    from IPython import version_info

    return int(version_info[0]) < 9


def install_pager(shell: Shell) -> None:
    """obj? and %page show their text instead of waiting for a key."""

    def page(_shell: Shell, data: Any, *_: object, **__: object) -> None:
        bundle = data if isinstance(data, dict) else {"data": {"text/plain": str(data)}}
        shell.display_pub.publish(bundle.get("data", bundle), {})

    shell.set_hook("show_in_pager", page, 90)


def leave(code: object = None) -> None:
    """End this cell. The variables stay; to get rid of them, restart the context."""
    raise SystemExit(code)
