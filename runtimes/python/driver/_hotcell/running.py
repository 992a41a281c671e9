"""What runs in this process, for code that user code calls: the matplotlib backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .charts import Charts


class Owner(Protocol):
    """A kernel, or the script that it became."""

    @property
    def charts(self) -> Charts: ...


_owners: list[Owner] = []


def show_on(owner: Owner) -> None:
    """Figures are this one's from now on."""
    _owners[:] = [owner]


def owner() -> Owner | None:
    return _owners[-1] if _owners else None
