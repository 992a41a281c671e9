"""Pies and rings."""

from __future__ import annotations

import math
from collections.abc import Iterator

from .figures_drawn import Drawn
from .figures_words import Artist, Model, label_of, words


def pies(drawn: Drawn) -> Iterator[tuple[Artist, Model]]:
    """One series for each ring: wedges that follow each other around one centre."""
    wedges = drawn.rest(drawn.axes.patches, "Wedge")
    ring: list[Artist] = []
    covered = 0.0  # degrees
    for wedge in [*wedges, None]:
        if ring and (wedge is None or not follows(ring[-1], covered, wedge)):
            drawn.take(*ring)
            yield ring[0], read_ring(drawn, ring)
            ring, covered = [], 0.0
        if wedge is not None:
            ring.append(wedge)
            covered += wedge.theta2 - wedge.theta1


def follows(last: Artist, covered: float, wedge: Artist) -> bool:
    touches = min(abs(wedge.theta1 - last.theta2), abs(wedge.theta2 - last.theta1)) < 1e-4
    return bool(covered < 360 - 1e-4 and touches and abs(wedge.r - last.r) < 1e-9)


def read_ring(drawn: Drawn, ring: list[Artist]) -> Model:
    model = Model(kind="pie", count=len(ring))
    centre = middle(ring)
    notes = Notes(drawn)
    model["wedges"] = [read_wedge(wedge, centre, notes) for wedge in ring[:1000]]
    if len(ring) > 1000:
        model["decimated_from"] = len(ring)
    if ring[0].width is not None:
        model["donut_width"] = float(ring[0].width)
    return model


def read_wedge(wedge: Artist, centre: tuple[float, float], notes: Notes) -> Model:
    angle = float(wedge.theta2 - wedge.theta1)
    model = Model(label=label_of(wedge))
    # The numbers that the pie was made of aren't kept, only what part of it each is.
    model["fraction"] = round(angle / 360, 9)
    model["angle"], model["start"] = angle, float(wedge.theta1)
    model["radius"] = float(wedge.r)
    moved = math.hypot(wedge.center[0] - centre[0], wedge.center[1] - centre[1])
    if moved > 1e-6:
        model["exploded"] = round(moved, 9)
    texts = notes.of(wedge)
    if not model["label"] and texts:
        model["label"] = next(
            (t for t in texts if not t.rstrip("%").replace(".", "").isdigit()), ""
        )
    shown = [text for text in texts if text != model["label"]]
    if shown:
        model["text"] = shown[0]
    return model


def middle(ring: list[Artist]) -> tuple[float, float]:
    """The centre of the pie: of wedges that weren't moved out, else where they came from."""
    centres = [(round(float(w.center[0]), 9), round(float(w.center[1]), 9)) for w in ring]
    if (0.0, 0.0) in centres:
        return 0.0, 0.0
    return max(centres, key=centres.count) if len(set(centres)) < len(centres) else (0.0, 0.0)


class Notes:
    """The texts in and around the wedges: labels and percentages."""

    def __init__(self, drawn: Drawn) -> None:
        self._drawn = drawn
        self._texts = [(text, *map(float, text.get_position())) for text in drawn.axes.texts]

    def of(self, wedge: Artist) -> list[str]:
        found = []
        for text, x, y in self._texts:
            x, y = x - float(wedge.center[0]), y - float(wedge.center[1])
            away = math.hypot(x, y)
            if not 0 < away <= 2.5 * wedge.r or id(text) in self._drawn.taken:
                continue
            # Each stands on the line through the middle of its wedge.
            turned = math.degrees(math.atan2(y, x)) - (wedge.theta1 + wedge.theta2) / 2
            if abs((turned + 180) % 360 - 180) < 0.05 and text.get_text():
                self._drawn.take(text)
                found.append(words(text.get_text()))
        return found
