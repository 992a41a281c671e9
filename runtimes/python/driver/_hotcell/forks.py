"""What libraries do at a fork, left out while the template forks.

Their hooks make locks anew that other threads may hold. The template has no other threads, and
each hook writes to memory of which the kernel then needs a copy: together 300 pages, or a
millisecond. In a kernel, whose user may fork with threads running, they run as ever.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Hook = Callable[[], Any]

_register = os.register_at_fork


class Forks:
    """The hooks of what was imported while they were held."""

    def __init__(self) -> None:
        self.ours = True  # who forks is the template
        self._asked = False
        self._before: list[Hook] = []
        self._in_parent: list[Hook] = []
        self._in_child: list[Hook] = []

    @contextmanager
    def held(self) -> Iterator[None]:
        """What is registered meanwhile runs at the forks of kernels alone."""
        if not self._asked:
            self._asked = True
            _register(
                before=lambda: self._run(self._before),
                after_in_parent=lambda: self._run(self._in_parent),
                after_in_child=lambda: self._run(self._in_child),
            )
        os.register_at_fork = self._hold
        try:
            yield
        finally:
            os.register_at_fork = _register

    def _hold(
        self,
        *,
        before: Hook | None = None,
        after_in_parent: Hook | None = None,
        after_in_child: Hook | None = None,
    ) -> None:
        if before is not None:
            self._before.insert(0, before)  # they run in the reverse order
        if after_in_parent is not None:
            self._in_parent.append(after_in_parent)
        if after_in_child is not None:
            self._in_child.append(after_in_child)

    def _run(self, hooks: list[Hook]) -> None:
        if not self.ours:
            for hook in hooks:
                hook()


forks = Forks()
