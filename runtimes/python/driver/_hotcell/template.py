"""The template: a warm process from which kernels are forked.

It has everything imported and never runs user code. It speaks on a
SOCK_SEQPACKET socket: one JSON object a packet.

    server → template   {"op": "fork", "seq"} + protocol, stdout, stderr
                        {"op": "reap", "pid"}
    template → server   {"op": "ready", …}, {"op": "forked", "seq", "pid"} + pidfd,
                        {"op": "failed", "seq", "error"}, {"op": "exited", "pid", "code", "signal"}

A kernel that has exited stays unreaped until the server says so: its number
can't be given to another process while somebody may still send it a signal.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import site
import socket
import sys
from typing import Any

from .protocol import decode_json, encode_json

PACKET = 1 << 16


class Template:
    def __init__(self, fd: int) -> None:
        self._socket = socket.socket(fileno=fd)
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN)
        self._fd = fd
        self._pids: dict[int, int] = {}  # by pidfd
        self._exited: dict[int, int] = {}  # pidfd by pid, until it is reaped

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
                    else:
                        self._report_exit(fd)
        except (EOFError, OSError):
            pass
        for pid in list(self._pids.values()):
            end_group(pid)
        os._exit(0)

    def _say(self, packet: dict[str, Any], fds: list[int] | None = None) -> None:
        body = encode_json(packet).encode("ascii")
        if fds:
            socket.send_fds(self._socket, [body], fds)
        else:
            self._socket.send(body)

    def _serve(self) -> bool:
        """Take a packet. True in a forked child."""
        body, fds, _, _ = socket.recv_fds(self._socket, PACKET, 3)
        if not body:
            raise EOFError
        packet = decode_json(body.decode("utf-8"))
        if packet["op"] == "fork":
            return self._fork(int(packet["seq"]), fds)
        if packet["op"] == "reap":
            self._reap(int(packet["pid"]))
        return False

    def _fork(self, seq: int, fds: list[int]) -> bool:
        try:
            led, leads = os.pipe()
            fds += [led, leads]
            pid = os.fork()
        except OSError as error:
            close_all(fds)
            self._say({"op": "failed", "seq": seq, "error": f"fork: {error.strerror}"})
            return False
        if pid == 0:
            self._leave(fds)
            return True
        # Until it leads its own group it can't be signalled as one.
        fds.remove(leads)
        os.close(leads)
        os.read(led, 1)
        close_all(fds)
        pidfd = os.pidfd_open(pid)
        self._pids[pidfd] = pid
        self._poll.register(pidfd, select.POLLIN)
        self._say({"op": "forked", "seq": seq, "pid": pid}, [pidfd])
        return False

    def _leave(self, fds: list[int]) -> None:
        """In the child: take the kernel's descriptors, and leave the template's."""
        try:
            protocol, stdout, stderr, _, leads = fds
            os.setsid()
            os.write(leads, b"1")
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.dup2(stdout, 1)
            os.dup2(stderr, 2)
            self._socket.detach()
            # The kernel's protocol has the number that the template's had.
            if protocol != self._fd:
                os.dup2(protocol, self._fd)
            os.closerange(self._fd + 1, 1 << 20)
            os.umask(0o022)
            gc.enable()
            sys.path.insert(0, "")
        except BaseException:
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


def close_all(fds: list[int]) -> None:
    for fd in fds:
        os.close(fd)


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
    """Make the memory one that children can share: nothing to collect in it."""
    gc.collect()
    gc.disable()
    gc.freeze()
