"""Measures ipykernel through jupyter_client, for the benchmark to compare with.

Reads one JSON request a line from standard input and answers each with one line of JSON on standard
output. Times are taken here, in seconds, so that this conversation is in none of them. Kernels have
names that the caller chooses; all are ended when standard input is.
"""

import json
import os
import queue
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from subprocess import DEVNULL
from typing import Any

import zmq
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

# Longest wait for a message. ipykernel's sockets drop what a slow client has not taken, the message
# that tells the end of a run among it, so silence has to count as an end.
SILENCE = 15.0

# Where kernels listen: beside this file. Addresses of Unix sockets are at most 107 bytes long.
SOCKETS = os.path.dirname(os.path.abspath(__file__))

Answer = dict[str, Any]


class Incomplete(Exception):
    """Nothing more came from a kernel that was not done."""


class Kernel:
    """One kernel and a client that is connected to it."""

    def __init__(self, code: str) -> None:
        began = time.perf_counter()
        # Not TCP: many managers that look for free ports at once find the same ones, and some
        # kernels die of that. This is the faster transport, too.
        self.manager = KernelManager(
            kernel_name="python3", transport="ipc", ip=os.path.join(SOCKETS, uuid.uuid4().hex[:12])
        )
        # A kernel echoes what is written to its descriptors; our standard output is for answers.
        self.manager.start_kernel(stdout=DEVNULL, stderr=DEVNULL)
        self.client = connect(self.manager)
        self.run(code)
        self.took = time.perf_counter() - began

    def run(self, code: str) -> float:
        began = time.perf_counter()
        follow(self.client, code)
        return time.perf_counter() - began

    def stop(self) -> float:
        began = time.perf_counter()
        disconnect(self.client)
        self.manager.shutdown_kernel(now=True)
        return time.perf_counter() - began


def connect(manager: KernelManager) -> BlockingKernelClient:
    """A client of its own: those that the manager makes share a session and end each other's
    connections. By the manager it knows whether the kernel is alive; the heartbeat gives a
    starting kernel only a second."""
    client = BlockingKernelClient(context=zmq.Context(), parent=manager)
    client.load_connection_file(manager.connection_file)
    client.start_channels()
    client.wait_for_ready(timeout=60)
    return client


def disconnect(client: BlockingKernelClient) -> None:
    client.stop_channels()
    client.context.destroy(linger=0)


def follow(client: BlockingKernelClient, code: str) -> Answer:
    """Runs code to its end. What comes back is the last message's time, the kinds of messages and
    how many characters of output there were."""
    request = client.execute(code)
    seen: Answer = {"last": time.perf_counter(), "kinds": [], "hashes": 0, "formats": []}
    while True:
        try:
            message = client.get_iopub_msg(timeout=SILENCE)
        except queue.Empty:
            raise Incomplete(f"the run's end did not come; {seen['hashes']} bytes did") from None
        if message["parent_header"].get("msg_id") != request:
            continue
        kind, content = message["msg_type"], message["content"]
        seen["last"] = time.perf_counter()
        seen["kinds"].append(kind)
        if kind == "stream":
            seen["hashes"] += content["text"].count("#")
        elif kind == "display_data":
            seen["formats"] += content["data"]
        elif kind == "error":
            raise RuntimeError("\n".join(content["traceback"]))
        elif kind == "status" and content["execution_state"] == "idle":
            return seen


class Bench:
    """The operations, each a method of its name."""

    def __init__(self) -> None:
        self.kernels: dict[str, Kernel] = {}

    def versions(self) -> Answer:
        names = ("ipykernel", "jupyter_client", "ipython", "pandas", "matplotlib")
        return {"versions": {"python": sys.version.split()[0], **{n: version(n) for n in names}}}

    def start(self, name: str, code: str) -> Answer:
        """Until the result of code."""
        kernel = self.kernels[name] = Kernel(code)
        return {"seconds": [kernel.took], "pid": self.pid(kernel)}

    @staticmethod
    def pid(kernel: Kernel) -> int:
        process = getattr(kernel.manager.provisioner, "process", None)
        return process.pid if process else 0

    def run(self, name: str, code: str, count: int = 1) -> Answer:
        """The same code count times, one after another, on an open connection."""
        kernel = self.kernels[name]
        return {"seconds": [kernel.run(code) for _ in range(count)]}

    def reconnect(self, name: str, code: str) -> Answer:
        """One run by a client that connects for it."""
        began = time.perf_counter()
        client = connect(self.kernels[name].manager)
        follow(client, code)
        disconnect(client)
        return {"seconds": [time.perf_counter() - began]}

    def plot(self, name: str, code: str) -> Answer:
        began = time.perf_counter()
        seen = follow(self.kernels[name].client, code)
        if "image/png" not in seen["formats"]:
            raise RuntimeError(f"no picture came, only {seen['kinds']}")
        return {"seconds": [seen["last"] - began]}

    def output(self, name: str, code: str) -> Answer:
        """Output, whose characters # are counted."""
        began = time.perf_counter()
        seen = follow(self.kernels[name].client, code)
        return {"seconds": [seen["last"] - began], "hashes": seen["hashes"]}

    def stop(self, name: str) -> Answer:
        return {"seconds": [self.kernels.pop(name).stop()]}

    def fleet(self, kernels: int, runs: int, code: str) -> Answer:
        """Many kernels at once, then runs spread over all of them: seconds of either."""
        with ThreadPoolExecutor(kernels) as threads:
            began = time.perf_counter()
            fleet = list(threads.map(lambda _: Kernel("None"), range(kernels)))
            ready = time.perf_counter()

            def several(kernel: Kernel) -> None:
                for _ in range(runs // kernels):
                    kernel.run(code)

            list(threads.map(several, fleet))
            over = time.perf_counter()
            list(threads.map(Kernel.stop, fleet))
        return {"seconds": [ready - began, over - ready]}

    def close(self) -> None:
        while self.kernels:
            self.kernels.popitem()[1].stop()


def main() -> None:
    # Libraries that print must not disturb the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    bench = Bench()
    try:
        for line in sys.stdin:
            request = json.loads(line)
            try:
                answer = getattr(bench, request.pop("op"))(**request)
            except Exception as fault:
                answer = {"error": f"{type(fault).__name__}: {fault}"}
            print(json.dumps(answer), file=answers, flush=True)
    finally:
        bench.close()


if __name__ == "__main__":
    main()
