"""Work in a process of its own, whose memory can be told."""

import os
import socket
import subprocess
import sys
import tempfile
import time

__all__ = ["free_port", "timed"]


def timed(command: list[str]) -> tuple[float, float, str]:
    """Seconds, peak memory in MB and output of a process of its own."""
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in (0, 1):  # 1: a film was refused
            raise RuntimeError(f"{' '.join(command[:5])} ended with {process.returncode}")
        output.seek(0)
        factor = 1024 if sys.platform != "darwin" else 1
        return time.perf_counter() - started, used.ru_maxrss * factor / 1e6, output.read()


def free_port() -> int:
    """Return a port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
