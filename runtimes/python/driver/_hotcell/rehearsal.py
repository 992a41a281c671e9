"""Rehearsals: cells of ours, run before there is a user, that leave nothing behind.

The template runs some before kernels are forked. It fills caches and lets the
interpreter specialise the driver's code, so that a kernel needn't do it again
in memory of its own: 1.7 MB less for each, and a faster first cell.

A kernel that nobody wants yet runs some too. What it then writes to are its own
copies of the template's pages, which cost a page fault each: 500 of them, or one
to three milliseconds, that its first cell needn't wait for.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from .protocol import high_descriptors

if TYPE_CHECKING:
    from .kernel import Kernel

# Enough for the interpreter to take the code for hot.
ROUNDS = 30
CELLS = ("1+1", "x = 1\nx", "x = 1; x", "1/0", "x = = 1")  # compiled in each of the ways

# A kernel that was started for somebody is configured within a millisecond.
WANTED_SECONDS = 0.005


def rehearse(kernel: Kernel) -> None:
    """In the template. The kernel stays connected, to nobody."""
    with high_descriptors():
        ours, theirs = socket.socketpair()
        kernel.connect(theirs.detach())
    for _ in range(ROUNDS):
        for code in CELLS:
            execute(kernel, code)
        for step in warm_up_steps(kernel):
            step()
        adopt_itself(kernel)
        ours.recv(1 << 20)
    ours.close()
    forget(kernel)
    kernel.seeded = False


def adopt_itself(kernel: Kernel) -> None:
    """What a fork does with its descriptors, with those that are there."""
    protocol, stdout, stderr = (os.dup(fd) for fd in (kernel.connection.fileno, 1, 2))
    kernel.adopt(protocol, stdout, stderr)
    kernel.loop.adopt(kernel.places)
    for fd in (protocol, stdout, stderr):
        os.close(fd)


def warm_up(kernel: Kernel) -> None:
    """In a kernel that waits for its user: until the user comes."""
    connection = kernel.connection
    if connection.arrives(WANTED_SECONDS):
        return
    for step in warm_up_steps(kernel):
        connection.mute(True)
        try:
            step()
        finally:
            connection.mute(False)
            forget(kernel)
        if connection.arrives(0):
            return


def warm_up_steps(kernel: Kernel) -> Iterator[Callable[[], None]]:
    """What a configuration and a first cell do, in steps of at most half a
    millisecond: that long somebody who comes in between may have to wait."""
    yield lambda: forget(kernel)
    yield kernel.reseed
    yield kernel.loop.turn
    yield kernel.connection.rehearse
    yield lambda: kernel.configure({"type": "configure", "cwd": "."})
    yield kernel.prepare
    yield lambda: discard(kernel.compiler.compile("x = 1; x", "<cell 1>"))
    yield lambda: execute(kernel, "x = 1\nx")
    yield lambda: execute(kernel, "1+1")
    if kernel.preloaded:
        yield lambda: execute(kernel, "import " + ", ".join(kernel.preloaded))


def discard(_: object) -> None:
    """A value that nobody wants."""


def execute(kernel: Kernel, code: str) -> None:
    kernel.execute({"type": "execute", "id": "x", "code": code})


def forget(kernel: Kernel) -> None:
    """Leave no trace for the user."""
    for name in ("x", *(name.partition(".")[0] for name in kernel.preloaded)):
        kernel.namespace.pop(name, None)
    for name in ("_", "__", "___"):
        kernel.namespace[name] = ""
    for name in ("last_type", "last_value", "last_traceback", "last_exc"):
        if hasattr(sys, name):
            delattr(sys, name)
    kernel.reset()
