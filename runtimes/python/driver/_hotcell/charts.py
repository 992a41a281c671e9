"""Figures: which ones a cell shows, and their pictures.

Everything that shows a figure comes through here; figures.py reads the numbers
behind it. Both go out in one bundle.
"""

from __future__ import annotations

import io
import os
import sys
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

from .imports import after_import

BACKEND = "module://_hotcell.backend"
MIME = "application/vnd.hotcell.chart+json"
FIGURE = ("matplotlib.figure", "Figure")

# What an execution may ask for beside the picture.
FORMATS = {"svg": "image/svg+xml", "pdf": "application/pdf"}
# What a figure can be drawn as, and so what IPython's options choose among.
PICTURES = ("image/png", "image/jpeg", *FORMATS.values())

Figure = Any  # matplotlib is imported only after the user did
Publish = Callable[[dict[str, Any], dict[str, Any]], None]  # data and metadata


class Charts:
    """The figures of one kernel."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._shown: set[int] = set()  # in this cell, by identity
        self._formats: frozenset[str] = frozenset()  # that this cell was asked for
        self._formatters: dict[str, Any] = {}

    def register(self, display_formatter: Any) -> None:
        """Give figures a picture, once their class has been imported."""
        self._formatters = display_formatter.formatters
        self._formatters["image/png"].for_type_by_name(*FIGURE, png)
        # After the pictures: drawing settles limits and ticks.
        self._formatters[MIME] = chart_formatter(display_formatter, self.describe)

    def begin(self) -> None:
        self._shown.clear()
        self._formats = frozenset()

    def ask(self, formats: list[str]) -> None:
        """Draw the figures of this cell in more formats than what they have anyway."""
        self._formats = frozenset(formats)
        for name in self._formats & FORMATS.keys():
            self._formatters[FORMATS[name]].for_type_by_name(*FIGURE, self._if_asked(name))

    def _if_asked(self, name: str) -> Callable[[Figure], bytes | str | None]:
        # It stays registered, also for cells that don't ask.
        return lambda figure: draw(figure, name) if name in self._formats else None

    def show(self, figure: Figure) -> None:
        """Show a figure now. The same one shown twice comes twice."""
        self._shown.add(id(figure))
        data, metadata = self.pictures(figure)
        data["text/plain"] = repr(figure)
        data[MIME] = self.describe(figure)
        self._publish(data, metadata)

    def pictures(self, figure: Figure) -> tuple[dict[str, Any], dict[str, Any]]:
        """A figure as the user has it drawn: `%config InlineBackend.figure_formats = …` and
        `set_matplotlib_formats` put formatters of IPython's in the place of ours."""
        data: dict[str, Any] = {}
        metadata: dict[str, Any] = {}
        for mime in PICTURES:
            try:
                printer = self._formatters[mime].lookup(figure)
            except KeyError:
                continue
            part = printer(figure)  # by itself: what it raises is for whoever called show()
            if isinstance(part, tuple):  # retina: with the size at which it is to be shown
                part, metadata[mime] = part
            if part is not None:
                data[mime] = part
        return data, metadata

    def describe(self, figure: Figure) -> dict[str, Any]:
        """The numbers for display(fig), or for a figure that is the cell's value; so it is shown."""
        self._shown.add(id(figure))
        return describe(figure)

    def show_open(self) -> None:
        """plt.show(): every open figure, which is then closed."""
        for manager in managers():
            try:
                self.show(manager.canvas.figure)
            finally:
                close(manager)

    def finish(self) -> None:
        """The end of a cell: figures that were left open and not shown yet."""
        for manager in managers():
            try:
                figure = manager.canvas.figure
                # An empty one has its background and nothing else.
                if id(figure) not in self._shown and len(figure.get_children()) > 1:
                    self.show(figure)
            finally:
                close(manager)


def describe(figure: Figure) -> dict[str, Any]:
    """The numbers behind a figure, for the bundle that has its picture."""
    from . import figures

    return figures.describe(figure)


def chart_formatter(display_formatter: Any, describe: Callable[[Figure], Any]) -> Any:
    """A formatter of IPython's, for a format that it doesn't know."""
    from IPython.core.formatters import BaseFormatter
    from traitlets import ObjectName, Unicode

    class ChartFormatter(BaseFormatter):
        format_type = Unicode(MIME)
        print_method = ObjectName("_repr_hotcell_chart_")
        _return_type = dict

        def pop(self, typ: Any, default: Any = None) -> Any:
            """Nothing: who chooses the formats of pictures takes figures from all formatters
            first, and the numbers are no picture."""
            return default

    formatter = ChartFormatter(parent=display_formatter)
    formatter.for_type_by_name(*FIGURE, describe)
    return formatter


def choose_formats(shell: Any) -> None:
    """Let `%config` find the options of matplotlib's inline backend."""
    from matplotlib_inline.config import InlineBackend

    options = InlineBackend.instance(parent=shell)
    options.shell = shell
    if options not in shell.configurables:
        shell.configurables.append(options)


def managers() -> list[Any]:
    helpers = sys.modules.get("matplotlib._pylab_helpers")
    return list(helpers.Gcf.get_all_fig_managers()) if helpers is not None else []


def close(manager: Any) -> None:
    sys.modules["matplotlib._pylab_helpers"].Gcf.destroy(manager)


def png(figure: Figure) -> bytes:
    out = io.BytesIO()
    # A figure made without pyplot may have a canvas that can't draw.
    if not hasattr(figure.canvas, "print_png"):
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        FigureCanvasAgg(figure)
    figure.savefig(out, format="png", bbox_inches="tight")
    return out.getvalue()


def draw(figure: Figure, name: str) -> bytes | str:
    """A figure in a format of FORMATS, without the time at which that was."""
    out = io.BytesIO()
    undated = {"svg": "Date", "pdf": "CreationDate"}[name]
    figure.savefig(out, format=name, bbox_inches="tight", metadata={undated: None})
    return out.getvalue().decode() if name == "svg" else out.getvalue()


def use_backend() -> None:
    """Make plt.show() ours, unless the user has chosen a backend."""
    matplotlib = sys.modules.get("matplotlib")
    if matplotlib is None:
        return
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        try:
            pyplot.switch_backend(BACKEND)
        except ImportError:
            # An older matplotlib asks a newer IPython for what that no longer has, to redraw
            # at a prompt. The backend has been chosen by then.
            if matplotlib.rcParams["backend"] != BACKEND:
                raise
    else:
        matplotlib.rcParams["backend"] = BACKEND


def choose_backend(matplotlib: ModuleType) -> None:
    """The environment isn't used for that: MPLBACKEND would reach the user's
    subprocesses, which don't have the backend."""
    if not os.environ.get("MPLBACKEND"):
        vars(matplotlib)["rcParams"]["backend"] = BACKEND


def choose_renderer(renderers: ModuleType) -> None:
    """plotly sends its JSON where it may, without a page and a script of megabytes around
    it; and asks for nbformat, which it needs for notebook files only."""
    try:
        if not os.environ.get("PLOTLY_RENDERER"):
            vars(renderers)["renderers"].default = "plotly_mimetype"
        if vars(renderers).get("nbformat") is None:
            stand_in = ModuleType("nbformat")
            vars(stand_in)["__version__"] = "5.0"
            vars(renderers)["nbformat"] = stand_in
    except Exception:  # another plotly than the known ones: it does what it does
        pass


def watch_imports() -> None:
    """Choose the backend now, or as soon as matplotlib is imported; and plotly's too."""
    # Said when the user chooses Agg and calls plt.show(): the figure is shown
    # all the same, at the end of the cell.
    warnings.filterwarnings("ignore", message="FigureCanvasAgg is non-interactive")
    if "matplotlib" in sys.modules:
        use_backend()
    else:
        after_import("matplotlib", choose_backend)
    after_import("plotly.io._renderers", choose_renderer)
