"""A matplotlib backend that draws with Agg and shows through charts.py."""

from __future__ import annotations

from typing import Any

from matplotlib.backend_bases import FigureManagerBase
from matplotlib.backends.backend_agg import FigureCanvasAgg

from . import running


class FigureManager(FigureManagerBase):
    def show(self) -> None:
        owner = running.owner()
        if owner is not None:
            owner.charts.show(self.canvas.figure)

    @classmethod
    def pyplot_show(cls, **_: Any) -> None:
        show()


class FigureCanvas(FigureCanvasAgg):
    manager_class = FigureManager


def show(*_: Any, **__: Any) -> None:
    """plt.show() for a matplotlib that doesn't know pyplot_show yet."""
    owner = running.owner()
    if owner is not None:
        owner.charts.show_open()
