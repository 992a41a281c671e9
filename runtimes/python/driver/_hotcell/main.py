"""Where the driver starts: as a kernel, or as the template of kernels."""

from __future__ import annotations

import importlib
import importlib.util
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .forks import forks
from .plain import Plain
from .streams import unbuffer_c_output

if TYPE_CHECKING:
    from .script import Script

PROTOCOL_FD = 3

IN_A_ROW = 32 << 20  # what pandas and matplotlib take
PIN = 1 << 19  # Python gives back a megabyte of which nothing is used
BLOCK = 464  # with the 33 bytes of an object around it the largest that its allocator serves


def run(mode: str, options: list[str]) -> Script:
    """Serve as what the server has asked for. Only a script comes back, to be run."""
    unbuffer_c_output()
    if mode == "kernel":
        return run_kernel()
    if mode == "script":
        from . import script

        return script.await_script(PROTOCOL_FD)
    if mode == "template":
        return run_template(options)
    raise SystemExit(f"unknown mode {mode!r}")


def run_kernel() -> Script:
    from .kernel import Kernel

    sys.path.insert(0, "")
    kernel = Kernel()
    kernel.connect(PROTOCOL_FD)
    return kernel.serve()


def run_template(preload: list[str]) -> Script:
    """Fork kernels until the server closes its end. What returns is one of them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with forks.held(), memory_in_a_row():
        # Loaded here because a kernel needs them and must not pay for them.
        for name in ("asyncio", "multiprocessing", "ctypes", "resource"):
            importlib.import_module(name)
        preloaded = [name for name in preload if import_if_there(name)]
    plain = Plain()
    warnings.filterwarnings("ignore", message=".*fork.*", category=DeprecationWarning)
    with plain, forks.held():
        from .kernel import Kernel
        from .rehearsal import rehearse
        from .template import Template, settle

        kernel = Kernel()
        for name in ("_hotcell.complete", "_hotcell.script"):
            importlib.import_module(name)
    kernel.plain = plain
    kernel.preloaded = preloaded
    draw_once()
    rehearse(kernel)
    plain.learn()
    # Until a kernel has made itself at home the template's own rules are in force.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sys.path.insert(0, "")
    settle()
    template = Template(PROTOCOL_FD, kernel)
    template.run()
    # The template stays: a kernel that freed it would copy the pages that it is in.
    return kernel.serve(adopted=True)


@contextmanager
def memory_in_a_row() -> Iterator[None]:
    """Have Python's allocator find its memory in one place, which fits into large pages. What
    it asks for while libraries are loaded lies between these, a megabyte here and there."""
    blocks = [b""] * (IN_A_ROW // BLOCK)  # not to grow, which leaves holes in the row
    for place in range(len(blocks)):
        blocks[place] = bytes(BLOCK)
    pins = blocks[:: PIN // BLOCK]
    del blocks
    yield
    pins.clear()


def import_if_there(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    except Exception as error:  # a broken package must not take every kernel along
        sys.stderr.write(f"preload {name}: {type(error).__name__}: {error}\n")
        return False
    return True


def draw_once() -> None:
    """Draw and read a figure nobody sees: it loads the fonts, the renderer and the readers."""
    if "matplotlib.pyplot" not in sys.modules:
        return
    from .charts import describe, png, use_backend

    try:
        use_backend()
        pyplot = sys.modules["matplotlib.pyplot"]
        figure, axes = pyplot.subplots()
        axes.plot([0, 1], [0, 1], label="x")
        axes.legend()
        axes.set_title("x")
        png(figure)
        describe(figure)
        pyplot.close("all")
        forget_fonts()
    except Exception as error:
        sys.stderr.write(f"drawing a first figure: {type(error).__name__}: {error}\n")


def forget_fonts() -> None:
    """Close the font files. Matplotlib would do it in every fork, because the
    open ones share their offsets; freeing them there costs each kernel memory."""
    fonts = getattr(sys.modules.get("matplotlib.font_manager"), "_get_font", None)
    clear = getattr(fonts, "cache_clear", None)
    if clear is not None:
        clear()
