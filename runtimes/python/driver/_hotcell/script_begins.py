"""What a script finds when it begins: streams, environment, __main__."""

from __future__ import annotations

import builtins
import importlib.machinery
import io
import os
import sys
import time
import types
from typing import Any

from .namespace import forget_places, reseed
from .streams import Pipe

_environ = os.environ


def arrange_finders() -> None:
    """Our importer comes last: it only has to find the matplotlib backend. What waits for an
    import of matplotlib has nothing to do any more when that is there."""
    ours = [f for f in sys.meta_path if type(f).__module__.startswith("_hotcell")]
    importers = [f for f in ours if type(f).__name__ == "DriverImporter"]
    waiting = [f for f in ours if f not in importers and "matplotlib" not in sys.modules]
    others = [f for f in sys.meta_path if f not in ours]
    sys.meta_path[:] = [*waiting, *others, *importers]


def read(file: str) -> bytes:
    with open(file, "rb") as source:
        return source.read()


def new_main(path: str) -> types.ModuleType:
    module = types.ModuleType("__main__")
    loader = importlib.machinery.SourceFileLoader("__main__", path)
    names = {"__loader__": loader, "__builtins__": builtins, "__file__": path}
    if sys.version_info < (3, 14):
        names["__annotations__"] = {}
    vars(module).update(names)
    if sys.version_info < (3, 15):
        vars(module)["__cached__"] = None
    return module


def settle_in(cwd: str, env: dict[str, str]) -> None:
    """Directory, environment, and what is derived from them or must be this process's own."""
    os.chdir(cwd)
    zone = _environ.get("TZ")
    for name in [name for name in _environ if name not in env]:
        del _environ[name]
    for name, value in env.items():
        if _environ.get(name) != value:
            _environ[name] = value
    if _environ.get("TZ") != zone:
        time.tzset()
    sys.dont_write_bytecode = bool(env.get("PYTHONDONTWRITEBYTECODE"))
    reseed()
    forget_places()
    process: Any = sys.modules.get("multiprocessing.process")
    if process is not None:
        process.ORIGINAL_DIR = cwd


def open_streams() -> None:
    """The three text streams as `python3 -u` makes them in UTF-8 mode: what is written is in the
    pipe when the call returns, and so stands in one order with what others write there."""
    source = open(0, "rb", closefd=False)
    source.raw.name = "<stdin>"  # type: ignore[attr-defined]
    give("stdin", source, "surrogateescape", "r")
    for fd, name, errors in ((1, "stdout", "surrogateescape"), (2, "stderr", "backslashreplace")):
        pipe = Pipe(fd)
        pipe.name = f"<{name}>"
        give(name, pipe, errors, "w")


def give(name: str, binary: Any, errors: str, mode: str) -> None:
    stream: Any = io.TextIOWrapper(binary, "utf-8", errors, "\n", write_through=True)
    stream.mode = mode
    setattr(sys, name, stream)
    setattr(sys, f"__{name}__", stream)
