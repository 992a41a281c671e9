"""Loads the driver out of memory and starts it.

The server hands this text over on an inherited descriptor, with the sources of
the driver in SOURCES. Nothing is read from a path, so code that runs as the
same user can't exchange the driver under the next kernel.
"""

import sys

sys.path[:] = [p for p in sys.path if p]  # the directory we start in is nobody's yet

import builtins  # noqa: E402
import importlib.machinery  # noqa: E402
from collections.abc import Sequence  # noqa: E402
from types import CodeType, ModuleType  # noqa: E402

SOURCES: dict[str, str] = {}  # filled in by the server

# The driver's modules run on a copy of the built-ins: what user code does to
# its own (builtins.len = None) doesn't reach them.
BUILTINS = dict(vars(builtins))


class DriverImporter:
    """Finds and loads the modules in SOURCES. It has no base class: importlib.abc imports a
    dozen modules, of which some do things at each fork."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in SOURCES:
            return None
        package = fullname == "_hotcell"
        return importlib.machinery.ModuleSpec(fullname, self, is_package=package)  # type: ignore[arg-type]  # it has what counts

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        """An ordinary one will do."""

    def get_source(self, fullname: str) -> str:
        return SOURCES[fullname]

    def get_code(self, fullname: str) -> CodeType:
        name = "<hotcell " + fullname.rpartition(".")[2] + ">"
        return compile(SOURCES[fullname], name, "exec", dont_inherit=True)

    def exec_module(self, module: ModuleType) -> None:
        vars(module)["__builtins__"] = BUILTINS
        exec(self.get_code(module.__name__), vars(module))


def start() -> object:
    """Become what the command line says. What returns is a script to run."""
    mode = sys.argv[1]
    options = sys.argv[2:]
    sys.argv[:] = [""]
    sys.meta_path.insert(0, DriverImporter())
    from _hotcell import main

    return main.run(mode, options)
