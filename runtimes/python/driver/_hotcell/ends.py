"""The ends of processes, as a descriptor to wait on."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import ctypes
import os

SIGCHLD = int(_signal.SIGCHLD)
SET = 128  # the size of a sigset_t
SA_NOCLDSTOP = 1
SFD_FLAGS = os.O_CLOEXEC | os.O_NONBLOCK
SIGINFO = 128  # what is read for each signal


class Action(ctypes.Structure):
    """struct sigaction"""

    _fields_ = (
        ("handler", ctypes.c_void_p),
        ("mask", ctypes.c_char * SET),
        ("flags", ctypes.c_int),
        ("restorer", ctypes.c_void_p),
    )


class Ends:
    """Readable when a process has ended that is for this one to reap."""

    def __init__(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        # Else whoever stops and continues a kernel would keep the template from its work.
        libc.sigaction(SIGCHLD, ctypes.byref(Action(flags=SA_NOCLDSTOP)), None)
        _signal.pthread_sigmask(_signal.SIG_BLOCK, (SIGCHLD,))
        signals = (1 << (SIGCHLD - 1)).to_bytes(SET, "little")
        self.fd = int(libc.signalfd(-1, signals, SFD_FLAGS))
        if self.fd < 0:
            raise OSError(ctypes.get_errno(), "signalfd")

    def clear(self) -> None:
        try:
            os.read(self.fd, SIGINFO)
        except BlockingIOError:
            pass

    def leave(self) -> None:
        """In a forked child, for which it is a signal like others."""
        _signal.pthread_sigmask(_signal.SIG_UNBLOCK, (SIGCHLD,))
