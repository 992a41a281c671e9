"""What is to be done as soon as user code imports a library, and not before."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

After = Callable[[ModuleType], None]


def after_import(name: str, after: After) -> None:
    """Now, if the module is there, else once it has been imported."""
    module = sys.modules.get(name)
    if module is not None:
        after(module)
    else:
        sys.meta_path.insert(0, Watcher(name, after))


class Watcher(importlib.abc.MetaPathFinder):
    def __init__(self, name: str, after: After) -> None:
        self._name = name
        self._after = after

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = WatchedLoader(spec.loader, self._after)
        return spec


class WatchedLoader(importlib.abc.Loader):
    def __init__(self, loader: Any, after: After) -> None:
        self._loader = loader
        self._after = after

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        made: ModuleType | None = self._loader.create_module(spec)
        return made

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._after(module)
