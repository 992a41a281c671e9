"""What an interpreter is like that has no driver in it: for a kernel that becomes a script.

The template takes a look before it imports IPython and the rest of the driver. What these
change in modules of the standard library is then found by comparison, and put back.
"""

from __future__ import annotations

import atexit
import importlib
import sys
import warnings
from collections.abc import Callable
from typing import Any

# Where the driver and IPython put things of their own.
PATCHED = ("asyncio.events", "builtins", "getpass", "inspect", "linecache", "os", "sys")

# What the matplotlib backend needs; it may be imported by name at any time.
KEPT = frozenset({"_hotcell", "_hotcell.backend", "_hotcell.running"})

_STANDARD = sys.stdlib_module_names
_MISSING = object()


class Plain:
    """Looks when it is made and entered; what is imported until it is left is the driver's."""

    def __init__(self) -> None:
        for name in PATCHED:
            importlib.import_module(name)
        self._filters = list(warnings.filters)
        self._modules: frozenset[str] = frozenset()
        self._before: dict[str, dict[str, Any]] = {}
        self._registered: list[Callable[..., Any]] = []
        self._hidden: list[str] = []
        self.driver: list[str] = []  # the driver's own modules
        self._callbacks: list[Callable[..., Any]] = []
        # Namespace, name, and what it was before or _MISSING.
        self._changes: list[tuple[dict[str, Any], str, Any]] = []

    def __enter__(self) -> None:
        self._modules = frozenset(sys.modules)
        self._before = {name: dict(vars(sys.modules[name])) for name in PATCHED}
        register = atexit.register

        def record(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[..., Any]:
            self._registered.append(function)
            return register(function, *args, **kwargs)

        self._register = register
        atexit.register = record  # type: ignore[assignment]

    def __exit__(self, *_: object) -> None:
        atexit.register = self._register
        self._hidden = [name for name in sys.modules if self._is_ours(name)]

    def _is_ours(self, module: str) -> bool:
        top = module.partition(".")[0]
        return module not in self._modules and top != "_hotcell" and top not in _STANDARD

    def learn(self) -> None:
        """Find what the driver has changed, when it has done all that it does. That it isn't
        left to restore() saves each script a copy of the pages that a look touches."""
        for name, before in self._before.items():
            now = vars(sys.modules[name])
            for key in before.keys() | now.keys():
                old = before.get(key, _MISSING)
                if now.get(key, _MISSING) is not old:
                    self._changes.append((now, key, old))
        for callback in self._registered:
            module = str(getattr(callback, "__module__", ""))
            if module.startswith("_hotcell") or self._is_ours(module):
                self._callbacks.append(callback)
        self.driver = [name for name in sys.modules if name.startswith("_hotcell.")]
        self._before.clear()
        self._registered.clear()

    def restore(self) -> None:
        """Let the interpreter look as it did, as far as a program can notice."""
        for callback in self._callbacks:
            atexit.unregister(callback)
        for namespace, name, old in self._changes:
            if old is not _MISSING:
                namespace[name] = old
            else:
                namespace.pop(name, None)
        for name in self._hidden:
            sys.modules.pop(name, None)
        warnings.filters[:] = self._filters  # type: ignore[index]
