"""What a cell finds around it, and what it leaves behind."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from types import ModuleType
from typing import Any

NAMES = 200  # top-level names told with a done
SECONDS = 0.005
TWISTER_WORDS = 624  # of a Mersenne Twister

_tzset = time.tzset
_perf_counter = time.perf_counter
_environ = os.environ
_urandom = os.urandom


def names(namespace: Mapping[Any, Any], hidden: Mapping[str, Any]) -> tuple[list[str], int]:
    """The user's variables, functions and classes, and how many more there are.

    Modules are left out: an import brings them back.
    """
    until = _perf_counter() + SECONDS
    found: list[str] = []
    more = 0
    everything = list(namespace.items())
    known = hidden.get
    for position, (name, value) in enumerate(everything):
        if position % 256 == 255 and _perf_counter() > until:
            return found, more + len(everything) - position
        # Nearly all are known, when little has been run. What isn't a string may
        # have a hash of its own, which is user code.
        if type(name) is not str or known(name, known) is value:
            continue
        if name.startswith("_") or type(value) is ModuleType:
            continue
        if len(found) < NAMES:
            found.append(name)
        else:
            more += 1
    return found, more


def take_on(env: dict[str, str]) -> None:
    """Variables for good, with what is derived from them."""
    for name, value in env.items():  # update() asks what kind of mapping that is
        _environ[name] = value
    if "TZ" in env:
        _tzset()
    forget_places()


def forget_places() -> None:
    """What the template has found, outside, may be nowhere for this kernel."""
    tempfile: Any = sys.modules.get("tempfile")
    if tempfile is not None and tempfile.tempdir is not None:
        tempfile.tempdir = None


class Environment:
    """Variables that are set for one execution and put back after it."""

    def __init__(self, env: dict[str, str]) -> None:
        self._saved = {key: _environ.get(key) for key in env}
        self._env = env

    def apply(self) -> None:
        _environ.update(self._env)
        self._tell_clock()

    def restore(self) -> None:
        for key, value in self._saved.items():
            if value is not None:
                _environ[key] = value
            else:
                _environ.pop(key, None)
        self._tell_clock()

    def _tell_clock(self) -> None:
        if "TZ" in self._env:  # the C library reads it only when told to
            _tzset()


def reseed() -> None:
    """Random numbers and keys of this process' own. To be given all of its state costs numpy
    a third of the time that a seed costs it. With the template's key for multiprocessing one
    kernel could call another's servers."""
    python_random: Any = sys.modules.get("random")
    if python_random is not None:
        python_random.seed()
    numpy_random: Any = sys.modules.get("numpy.random")
    if numpy_random is not None:
        words = memoryview(_urandom(4 * TWISTER_WORDS)).cast("I")
        numpy_random.set_state(("MT19937", words, TWISTER_WORDS))  # all of them used up
    process: Any = sys.modules.get("multiprocessing.process")
    if process is not None:
        process.current_process().authkey = _urandom(32)
