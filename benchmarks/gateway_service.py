"""A gateway as a process of its own, for benchmarks: start, kill, stop, and what it uses."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import requests

__all__ = ["Service", "machine_load"]


class Service:
    """``pneumo gateway start`` with a configuration, started again as often as it is killed."""

    def __init__(self, config: Path, log: Path) -> None:
        self._command = [sys.executable, "-m", "pneumo_core", "gateway", "start"]
        self._command += ["--config", str(config)]
        self._log = log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(self._command, stderr=log, stdout=log)

    def kill(self) -> None:
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(120)

    def memory_mb(self) -> float:
        """Return the resident memory."""
        assert self.process
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(each for each in status.splitlines() if each.startswith("VmRSS"))
        return int(line.split()[1]) / 1e3

    def cpu_seconds(self) -> float:
        """Return the processor time of all its threads so far."""
        assert self.process
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def ready_after(self, url: str, patience: float = 600) -> float:
        """Return the seconds until /health/ready answers 200."""
        began = time.monotonic()
        while time.monotonic() < began + patience:
            try:
                if requests.get(f"{url}/health/ready", timeout=2).ok:
                    return time.monotonic() - began
            except requests.RequestException:
                pass
            time.sleep(0.05)
        raise TimeoutError("the gateway did not become ready")


def machine_load() -> str:
    """Return how many processes wanted a core, and how many cores there are."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
