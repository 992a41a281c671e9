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

Figure = Any  # matplotlib is imported only after the user did
Publish = Callable[[dict[str, Any]], None]


class Charts:
    """The figures of one kernel."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._shown: set[int] = set()  # in this cell, by identity

    def register(self, display_formatter: Any) -> None:
        """Give figures a picture, once their class has been imported."""
        formatters = display_formatter.formatters
        formatters["image/png"].for_type_by_name("matplotlib.figure", "Figure", self.draw)
        # After the picture: drawing settles limits and ticks.
        formatters[MIME] = chart_formatter(display_formatter)

    def begin(self) -> None:
        self._shown.clear()

    def show(self, figure: Figure) -> None:
        """Show a figure now. The same one shown twice comes twice."""
        self._shown.add(id(figure))
        data = {"image/png": png(figure), "text/plain": repr(figure)}
        self._publish({**data, MIME: describe(figure)})

    def draw(self, figure: Figure) -> bytes:
        """The picture for display(fig), or for a figure that is the cell's value."""
        self._shown.add(id(figure))
        return png(figure)

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


def chart_formatter(display_formatter: Any) -> Any:
    """A formatter of IPython's, for a format that it doesn't know."""
    from IPython.core.formatters import BaseFormatter
    from traitlets import ObjectName, Unicode

    class ChartFormatter(BaseFormatter):
        format_type = Unicode(MIME)
        print_method = ObjectName("_repr_hotcell_chart_")
        _return_type = dict

    formatter = ChartFormatter(parent=display_formatter)
    formatter.for_type_by_name("matplotlib.figure", "Figure", describe)
    return formatter


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
