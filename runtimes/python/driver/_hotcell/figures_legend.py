"""Legends: what they say, and which series they say it of.

Some libraries draw series without labels, and beside them a legend of
stand-ins; only the colour tells what belongs to which.
"""

from __future__ import annotations

from typing import Any

from .figures_words import Artist, Model, words

Colour = tuple[float, ...]


def read_legend(axes: Artist) -> Model:
    legend = axes.get_legend()
    if legend is None or not legend.get_visible():
        return Model()
    model = Model(entries=[words(text.get_text()) for text in legend.get_texts()][:500])
    title = words(legend.get_title().get_text())
    if title and title != "None":
        model["title"] = title
    return model


class Legend:
    """The labels that a legend gives to colours."""

    def __init__(self, axes: Artist, figure: Artist) -> None:
        self.colours: dict[Colour, str] = {}
        legends = [axes.get_legend()] if axes.get_legend() is not None else figure.legends
        clashes: set[Colour] = set()
        for legend in legends:
            handles = getattr(legend, "legend_handles", None) or getattr(
                legend, "legendHandles", []
            )
            for handle, text in zip(handles, legend.get_texts(), strict=False):
                colour = colour_of(handle)
                label = words(text.get_text())
                if colour is None or not label:
                    continue
                if self.colours.get(colour, label) != label:
                    clashes.add(colour)
                self.colours[colour] = label
        for colour in clashes:
            del self.colours[colour]

    def of(self, artist: Artist) -> str:
        if not self.colours:
            return ""
        colour = colour_of(artist)
        return self.colours.get(colour, "") if colour is not None else ""

    def of_each(self, rows: Any) -> list[str] | None:
        """The labels of points by their colours, if the legend names every one."""
        if not self.colours:
            return None
        labels = [self.colours.get(key(row)) for row in rows.tolist()]
        return None if None in labels else labels  # type: ignore[return-value]


def key(rgba: Any) -> Colour:
    """A colour without its opacity, which legends often don't show."""
    return tuple(round(float(part), 3) for part in rgba[:3])


def colour_of(artist: Artist) -> Colour | None:
    """The one colour of an artist, if it has one."""
    from matplotlib.colors import to_rgba

    try:
        if hasattr(artist, "get_facecolor"):
            colours = artist.get_facecolor()
            if getattr(colours, "ndim", 1) == 2:
                if not len(colours) and hasattr(artist, "get_edgecolor"):
                    colours = artist.get_edgecolor()
                alike = len(colours) > 0 and bool((colours[:, :3] == colours[0, :3]).all())
                return key(colours[0]) if alike else None
            if colours[3] == 0:
                colours = artist.get_edgecolor()
            return key(to_rgba(colours))
        if hasattr(artist, "get_color"):
            line = artist.get_linestyle() not in ("None", "", " ")
            colour = artist.get_color() if line else artist.get_markerfacecolor()
            return key(to_rgba(colour))
    except (TypeError, ValueError, IndexError):
        pass
    return None
