"""The way into a jail: what a forked kernel does before it is one.

The kernel is a fork of the template, which lives outside, and has the template's memory, user,
capabilities and descriptors. A pid namespace is only entered by a fork, so the template itself
goes there for the moment of the fork (Gate.fork). All else is the child's (enter, seal). Nobody
inside can trace it or read its memory, because it isn't dumpable, and nothing of a user's runs
in it, until the last wall is up. A step that fails is the end of the child, and its name is the
answer.

Everything is bound when the template starts; a child imports nothing.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .namespace import take_on

NEWPID = 0x20000000
NEWNET = 0x40000000
# Where the template goes itself. To the network, because /proc/PID/net inside would show that of
# the child: one that is born there has none of ours.
BY_FORK = ((NEWPID, "pid"), (NEWNET, "net"))

PR_SET_DUMPABLE = 4
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
PR_CAPBSET_DROP = 24
# Capabilities stay whoever one becomes, and access(2) counts them for others than root, too.
PR_SET_SECUREBITS, NO_SETUID_FIXUP = 28, 1 << 2 | 1 << 3  # it, and that it stays
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 47, 2
LANDLOCK_RESTRICT_SELF = 446  # on every architecture
LAST_CAPABILITY = "/proc/sys/kernel/cap_last_cap"

_libc = ctypes.CDLL(None, use_errno=True)
_setns = _libc.setns
_setns.argtypes = (ctypes.c_int, ctypes.c_int)
_prctl = _libc.prctl
_prctl.argtypes = (ctypes.c_int, *[ctypes.c_ulong] * 4)
_capset = _libc.capset
_capset.argtypes = (ctypes.c_char_p, ctypes.c_char_p)
_syscall = _libc.syscall
_syscall.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_long)
_errno = ctypes.get_errno

_MYSELF = 0x20080522.to_bytes(4, "little") + bytes(4)  # version 3 of the capabilities, and pid 0


class Program(ctypes.Structure):
    """struct sock_fprog"""

    _fields_ = (("len", ctypes.c_ushort), ("filter", ctypes.c_char_p))


class JailError(OSError):
    """A step of the way has failed. strerror says which, and why."""

    def __init__(self, step: str, number: int) -> None:
        super().__init__(number, f"{step}: {os.strerror(number)}")
        self.step = step


@dataclass
class Jail:
    """What there is to join, in one fork."""

    uid: int  # and gid; 0: it stays who it is
    kept: int  # the capabilities that it keeps, for what it starts too: bits below 32
    namespaces: int  # the CLONE_NEW flags of those that are still to be joined
    env: int  # the sizes of what the child finds on its protocol: variables, NAME=value
    filter: int  # with a NUL behind each, and a seccomp filter, struct sock_filter[]
    init: int  # the pidfd of the jail's first process, or -1
    ruleset: int  # Landlock's, or -1


def parse(words: list[bytes], fds: list[int]) -> Jail | None:
    """What a packet says of a jail, if there is one."""
    if not words:
        return None
    uid, kept, namespaces, ruled, env, program = (int(word) for word in words)
    left = iter(fds)
    init = next(left) if namespaces else -1
    return Jail(uid, kept, namespaces, env, program, init, next(left) if ruled else -1)


def check(step: str, result: int) -> None:
    if result < 0:
        raise JailError(step, _errno())


def control(step: str, option: int, *values: int) -> None:
    check(step, _prctl(option, *values, *[0] * (4 - len(values))))


def attempt(step: str, call: Callable[..., Any], *arguments: Any) -> None:
    try:
        call(*arguments)
    except OSError as error:
        raise JailError(step, error.errno or errno.EIO) from None


class Gate:
    """The template's way into a pid namespace, and back."""

    def __init__(self) -> None:
        self._home = [
            (kind, os.open(f"/proc/self/ns/{name}", os.O_RDONLY)) for kind, name in BY_FORK
        ]

    def fork(self, jail: Jail) -> int:
        """Like os.fork. The child is in the jail's pid namespace."""
        kinds = jail.namespaces & sum(kind for kind, _ in BY_FORK)
        if not kinds:
            return os.fork()
        if _setns(jail.init, kinds) < 0:
            if _errno() == errno.EPERM:
                return self._fork_twice(jail)
            raise JailError("join the pid namespace", _errno())
        jail.namespaces &= ~kinds
        pid = -1
        try:
            pid = os.fork()
        finally:
            if pid != 0:
                self._return(kinds)
        return pid

    def _return(self, kinds: int) -> None:
        """Be where kernels without a jail are born. A template that isn't must fork no more."""
        for kind, fd in self._home:
            if kind & kinds and _setns(fd, kind) < 0:
                os.write(2, b"no way back from the namespaces of a jail\n")
                os._exit(1)

    def _fork_twice(self, jail: Jail) -> int:
        """Without privileges a pid namespace is open to those in its user namespace, and from
        there nobody returns. So a child goes, forks and ends, and its child becomes ours."""
        told, tells = os.pipe()
        try:
            control("adopt", PR_SET_CHILD_SUBREAPER, 1)
            middle = os.fork()
            if middle == 0:
                go_between(jail, tells)
                return 0
            os.close(tells)
            tells = -1
            # Nobody in the jail can hold it up: it has no number there.
            words = os.read(told, 256)
            os.waitid(os.P_PID, middle, os.WEXITED)
        finally:  # in the new child, too
            for fd in {told, tells} - {-1}:
                os.close(fd)
            _prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
        number, _, step = words.partition(b" ")
        if step or not number:
            raise JailError(step.decode() or "fork", int(number or errno.ECHILD))
        return int(number)


def go_between(jail: Jail, tells: int) -> None:
    """In a child of the template. Returns in a child of its own, inside."""
    # All in one call: inside of the user namespace there may be no right to the others,
    # if it lies within another that they belong to.
    kinds, jail.namespaces = jail.namespaces, 0
    try:
        control("hide from traces", PR_SET_DUMPABLE, 0)
        check("join the namespaces", _setns(jail.init, kinds))
        pid = os.fork()
    except OSError as error:
        step = error.step if isinstance(error, JailError) else "fork"
        os.write(tells, b"%d %s" % (error.errno or errno.EIO, step.encode()))
        os._exit(1)
    if pid:
        os.write(tells, b"%d" % pid)  # its number out here
        os._exit(0)


def enter(jail: Jail, protocol: int) -> bytes:
    """In the child: everything for which it needs what it has from the template. Returns
    the filter."""
    env, program = receive(protocol, jail.env), receive(protocol, jail.filter)
    control("hide from traces", PR_SET_DUMPABLE, 0)
    attempt("forbid cores", resource.setrlimit, resource.RLIMIT_CORE, (0, 0))
    uid = jail.uid
    if uid:
        attempt("leave the groups", os.setgroups, ())
    if jail.namespaces:
        check("join the namespaces", _setns(jail.init, jail.namespaces))
    kept = [capability for capability in range(CAPABILITIES) if jail.kept >> capability & 1]
    for capability in range(CAPABILITIES):
        if capability not in kept:
            # Refused to who has no privileges, for whom it changes nothing.
            _prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    if kept:
        control("keep a capability", PR_SET_SECUREBITS, NO_SETUID_FIXUP)
    if uid:
        attempt("become the jail's group", os.setresgid, uid, uid, uid)
        attempt("become the jail's user", os.setresuid, uid, uid, uid)
    # Effective, permitted and inheritable ones, of which there are two words each.
    check(
        "drop the capabilities", _capset(_MYSELF, jail.kept.to_bytes(4, "little") * 3 + bytes(12))
    )
    for capability in kept:
        control("hand on a capability", PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability)
    control("give up new privileges", PR_SET_NO_NEW_PRIVS, 1)
    if jail.ruleset >= 0:
        check("restrict by Landlock", _syscall(LANDLOCK_RESTRICT_SELF, jail.ruleset, 0))
    pairs = (pair.partition("=") for pair in os.fsdecode(env).split("\0") if pair)
    take_on({name: value for name, _, value in pairs})
    return program


def receive(protocol: int, size: int) -> bytes:
    """What the server has sent ahead of its first frame. It doesn't come by way of the
    template, whose memory is everybody's."""
    data = b""
    while len(data) < size:
        chunk = os.read(protocol, size - len(data))
        if not chunk:
            raise JailError("receive what is to be joined", errno.EPIPE)
        data += chunk
    return data


def seal(jail: Jail, program: bytes) -> None:
    """In the child, which has no descriptors but its own by now: the last wall."""
    if jail.ruleset >= 0:
        # Landlock keeps all others in the jail from tracing it: it has a domain of its own.
        control("be dumpable", PR_SET_DUMPABLE, 1)
    if program:
        instructions = Program(len(program) // 8, program)
        address = ctypes.addressof(instructions)
        control("filter system calls", PR_SET_SECCOMP, SECCOMP_MODE_FILTER, address)


def count_capabilities() -> int:
    try:
        with open(LAST_CAPABILITY, encoding="ascii") as file:
            return int(file.read()) + 1
    except (OSError, ValueError):
        return 64  # more than there are


CAPABILITIES = count_capabilities()
