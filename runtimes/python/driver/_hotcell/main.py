"""Where the driver starts: as a kernel, or as the template of kernels."""

from __future__ import annotations

import importlib
import importlib.util
import signal
import sys
import warnings

from .streams import unbuffer_c_output


def run(mode: str, options: list[str]) -> None:
    unbuffer_c_output()
    from .kernel import Kernel
    from .template import PROTOCOL_FD

    if mode == "kernel":
        sys.path.insert(0, "")
        kernel = Kernel()
        kernel.connect(PROTOCOL_FD)
        kernel.serve()
    elif mode == "template":
        run_template(options)
    else:
        raise SystemExit(f"unknown mode {mode!r}")


def run_template(preload: list[str]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    warnings.filterwarnings("ignore", message=".*fork.*", category=DeprecationWarning)
    from .kernel import Kernel
    from .rehearsal import rehearse
    from .template import PROTOCOL_FD, Template, settle

    kernel = Kernel()
    # Loaded here because a kernel needs them and must not pay for them.
    for name in ("_hotcell.complete", "asyncio", "multiprocessing", "ctypes", "resource"):
        importlib.import_module(name)
    kernel.preloaded = [name for name in preload if import_if_there(name)]
    draw_once()
    rehearse(kernel)
    # Until a kernel has made itself at home the template's own rules are in force.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sys.path.insert(0, "")
    settle()
    Template(PROTOCOL_FD, kernel).run()


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
    """Draw a figure nobody sees: it loads the fonts and the renderer."""
    if "matplotlib.pyplot" not in sys.modules:
        return
    from .charts import png, use_backend

    try:
        use_backend()
        pyplot = sys.modules["matplotlib.pyplot"]
        figure, axes = pyplot.subplots()
        axes.plot([0, 1], [0, 1], label="x")
        axes.legend()
        axes.set_title("x")
        png(figure)
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
