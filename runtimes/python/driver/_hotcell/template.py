"""The template: a warm process from which kernels are forked.

It has everything imported and never runs user code. It speaks on a
SOCK_SEQPACKET socket: a few words a packet, and JSON objects back.

    server → template   fork SEQ DOORS, with the descriptors of protocol, stdout, stderr, and
                            of so many files by which the kernel enters its group
                        fork SEQ DOORS UID NAMESPACES RULED ENV FILTER: into a jail, see jail.py.
                            The descriptors of its first process, if there are namespaces to
                            join, and of its ruleset, if there is one, follow the others.
                        reap PID
    template → server   {"op": "ready", …}, {"op": "forked", "seq", "pid"} + pidfd,
                        {"op": "failed", "seq", "error"}, {"op": "exited", "pid", "code", "signal"}

Whatever it touches between two forks is copied then, a page at a time, and
somebody waits for that. So it does little before a fork.

A kernel that can't get into its jail says so in the place of its hello, and ends.

A kernel that has exited stays unreaped until the server says so: its number
can't be given to another process while somebody may still send it a signal.
"""

from __future__ import annotations

import ctypes
import gc
import os
import select
import signal
import site
import socket
from array import array
from typing import Any

from .ends import Ends
from .jail import Gate, Jail, JailError, enter, parse, seal
from .kernel import Kernel
from .protocol import encode_json, pack

LARGE_PAGE = 2 << 20
MADV_COLLAPSE = 25
PACKET = 128
ENDS = 3  # of a kernel: protocol, stdout, stderr
DOORS = 3  # at most: a kernel's group has as many places
ROOM = socket.CMSG_SPACE((ENDS + DOORS + 2) * 4)


class Template:
    def __init__(self, fd: int, kernel: Kernel) -> None:
        self._socket = socket.socket(fileno=fd)
        self._kernel = kernel
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN)
        self._fd = fd
        self._pids: dict[int, int] = {}  # by pidfd
        self._exited: dict[int, int] = {}  # pidfd by pid, until it is reaped
        self._gate = Gate()
        self._ends = Ends()
        self._poll.register(self._ends.fd, select.POLLIN)
        self._strange = gaps(kernel.descriptors())

    def run(self) -> None:
        """Serve until the server closes its end; then end every kernel.

        Returns in each child that it forks, which keeps nothing of the template
        but its memory, and no frame: the child goes on as a kernel.
        """
        try:
            self._say({"op": "ready", **facts()})
            while True:
                for fd, _ in self._poll.poll():
                    if fd == self._fd:
                        if self._serve():
                            return
                    elif fd == self._ends.fd:
                        self._ends.clear()
                        self._reap_strangers()
                    else:
                        self._report_exit(fd)
        except (EOFError, OSError):
            pass
        for pid in list(self._pids.values()):
            end_group(pid)
        os._exit(0)

    def _say(self, packet: dict[str, Any], *fds: int) -> None:
        body = encode_json(packet).encode("ascii")
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", fds))]
        self._socket.sendmsg([body], rights if fds else [])

    def _serve(self) -> bool:
        """Take a packet. True in a forked child."""
        body, control, _, _ = self._socket.recvmsg(PACKET, ROOM)
        if not body:
            raise EOFError
        verb, number, *words = body.split()
        if verb == b"fork":
            theirs = [fd for part in control for fd in array("i", part[2])]
            walls = ENDS + int(words[0])
            return self._fork(int(number), theirs, walls, parse(words[1:], theirs[walls:]))
        if verb == b"reap":
            self._reap(int(number))
        return False

    def _fork(self, seq: int, theirs: list[int], walls: int, jail: Jail | None) -> bool:
        try:
            pid = self._gate.fork(jail) if jail else os.fork()
        except OSError as error:
            close_all(theirs)
            words = error.strerror if isinstance(error, JailError) else f"fork: {error.strerror}"
            self._say({"op": "failed", "seq": seq, "error": words})
            return False
        if pid == 0:
            self._leave(theirs[:walls], jail)
            return True
        close_all(theirs)
        pidfd = os.pidfd_open(pid)
        self._pids[pidfd] = pid
        self._poll.register(pidfd, select.POLLIN)
        # It may not lead a group of its own yet. Until it has said hello nobody sends it anything
        # but SIGKILL, which the pidfd takes to it in any case.
        self._say({"op": "forked", "seq": seq, "pid": pid}, pidfd)
        return False

    def _leave(self, theirs: list[int], jail: Jail | None) -> None:
        """In the child: take the kernel's descriptors, and leave the template's."""
        protocol, stdout, stderr = theirs[:ENDS]
        try:
            os.setsid()
            for door in theirs[ENDS:]:
                os.write(door, b"0")  # who writes it is meant, and it has one thread
                os.close(door)
            self._ends.leave()
            self._socket.detach()
            program = enter(jail, protocol) if jail else b""
            self._kernel.adopt(protocol, stdout, stderr)
            protocol = self._kernel.connection.fileno
            for low, high in self._strange:
                os.closerange(low, high)
            os.umask(0o022)
            gc.enable()
            if jail:
                seal(jail, program)
        except BaseException as error:
            refuse(protocol, error)
            os._exit(1)

    def _report_exit(self, pidfd: int) -> None:
        self._poll.unregister(pidfd)
        pid = self._pids[pidfd]
        state = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        killed = state is not None and state.si_code != os.CLD_EXITED
        status = state.si_status if state is not None else 0
        self._exited[pid] = pidfd
        self._say(
            {
                "op": "exited",
                "pid": pid,
                "code": 128 + status if killed else status,
                "signal": status if killed else 0,
            }
        )

    def _reap(self, pid: int) -> None:
        pidfd = self._exited.pop(pid, None)
        if pidfd is None:
            return
        os.waitid(os.P_PID, pid, os.WEXITED)
        del self._pids[pidfd]
        os.close(pidfd)
        if not self._exited:
            self._reap_strangers()

    def _reap_strangers(self) -> None:
        """User code can make a child of ours, with CLONE_PARENT. Nobody else reaps it, and
        a pid namespace doesn't end as long as there is one of its processes to be reaped."""
        try:
            while (
                dead := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            ) is not None:
                if dead.si_pid in self._pids.values():  # its end is still to be reported
                    return
                os.waitid(os.P_PID, dead.si_pid, os.WEXITED)
        except ChildProcessError:  # there are none at all
            pass


def refuse(protocol: int, error: BaseException) -> None:
    """Say in the place of a hello why there is no kernel."""
    words = error.strerror if isinstance(error, JailError) else f"{type(error).__name__}: {error}"
    try:
        os.write(protocol, pack({"type": "refused", "value": f"enter the jail: {words}"}))
    except OSError:
        pass


def close_all(fds: list[int]) -> None:
    for fd in fds:
        os.close(fd)


def gaps(kept: list[int]) -> list[tuple[int, int]]:
    """The ranges of descriptors around those that are kept, ends excluded."""
    edges = [-1, *sorted(kept), 1 << 20]
    between = [(low + 1, high) for low, high in zip(edges, edges[1:], strict=False)]
    return [(low, high) for low, high in between if low < high]


def end_group(pid: int) -> None:
    for target in (os.killpg, os.kill):
        try:
            target(pid, signal.SIGKILL)
        except OSError:
            pass


def facts() -> dict[str, Any]:
    """What the server wants to know: where packages come from."""
    directories = list(site.getsitepackages())
    if site.ENABLE_USER_SITE:
        directories.append(site.getusersitepackages())
    return {"sites": directories}


def settle() -> None:
    """Make the memory one that children can share: nothing to collect in it, and as
    much of it as can be in large pages, since a fork copies an entry for each page."""
    gc.collect()
    gc.disable()
    gc.freeze()
    try:
        enlarge_pages()
    except OSError:
        pass


def enlarge_pages() -> None:
    """Linux 6.1 and newer do it, where 2 MiB of memory in a row are in use."""
    advise = ctypes.CDLL(None).madvise
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
        ours = [line.split() for line in maps]
    for area in ours:
        if area[1] != "rw-p" or area[5:] not in ([], ["[heap]"]):
            continue
        start, end = (int(edge, 16) for edge in area[0].split("-"))
        for page in range(-(-start // LARGE_PAGE) * LARGE_PAGE, end - LARGE_PAGE + 1, LARGE_PAGE):
            advise(ctypes.c_void_p(page), ctypes.c_size_t(LARGE_PAGE), MADV_COLLAPSE)
