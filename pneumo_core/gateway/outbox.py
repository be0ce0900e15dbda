"""Send results to their destinations, each in its own thread, so that none waits for another."""

import logging
import threading
from collections.abc import Callable

from pneumo_core.errors import PneumoError
from pneumo_core.gateway.config import Config, Destination
from pneumo_core.gateway.queue import Queue
from pneumo_core.gateway.records import Delivery
from pneumo_core.gateway.senders import Rejected, Sender, Unreachable, sender_of

__all__ = ["BACK_OFF_S", "Outbox"]

log = logging.getLogger("pneumo.gateway")

BACK_OFF_S = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Seconds until the next try; the last one for ever."""
_BATCH = 32
_IDLE_S = 1.0
_TRIES = 8
"""How often a destination may reject a result before it counts as failed."""


class Outbox:
    """Delivers results until ``stop``, each destination at its own pace.

    A destination that can't be reached is retried with back-off for as long as it takes. A result
    that it rejects is tried eight times; then it is failed until it is sent again by hand.
    """

    def __init__(
        self,
        config: Config,
        queue: Queue,
        make: Callable[[Destination, Config], Sender] | None = None,
    ) -> None:
        self._queue = queue
        self._stopped = threading.Event()
        self._runs = [
            _Run(queue, each, (make or sender_of)(each, config), self._stopped)
            for each in config.destination
        ]

    def start(self) -> None:
        """Start the threads."""
        for each in self._runs:
            each.thread.start()

    def wake(self) -> None:
        """Check for due results now."""
        for each in self._runs:
            each.awake.set()

    def stop(self) -> None:
        """Stop once the results that are being sent have arrived."""
        self._stopped.set()
        self.wake()
        for each in self._runs:
            each.thread.join()

    @property
    def troubles(self) -> dict[str, str]:
        """Return why destinations can't be reached, by name."""
        return {each.name: each.trouble for each in self._runs if each.trouble}


class _Run:
    """One destination's thread."""

    def __init__(
        self, queue: Queue, destination: Destination, sender: Sender, stopped: threading.Event
    ) -> None:
        self.name, self.trouble = destination.name, ""
        self._queue, self._sender, self._stopped = queue, sender, stopped
        self.awake = threading.Event()
        self.thread = threading.Thread(target=self._run, name=f"outbox-{self.name}", daemon=True)

    def _run(self) -> None:
        failures = 0
        while not self._stopped.is_set():
            try:
                due = [] if self._queue.paused else self._queue.due(self.name, _BATCH)
                if due:
                    self._send(due)
                failures, self.trouble, pause = 0, "", 0.0 if due else _IDLE_S
            except Unreachable as error:
                pause = BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)]
                failures += 1
                self.trouble = str(error)
                log.warning("%s can't be reached, next try in %g s: %s", self.name, pause, error)
                self._stopped.wait(pause)
                continue
            except PneumoError as error:
                log.error("sending to %s failed, next try in 5 s: %s", self.name, error)
                pause = 5.0
            if pause:
                self.awake.wait(pause)
                self.awake.clear()

    def _send(self, due: list[Delivery]) -> None:
        """Send results over one connection. Raises Unreachable if it fails or breaks."""
        with self._sender.connected() as send:
            for delivery in due:
                if self._stopped.is_set():
                    return
                try:
                    send(delivery)
                except Rejected as error:
                    self._rejected(delivery, str(error))
                except PneumoError:
                    raise
                # The libraries have no common error for an answer that can't be understood, and
                # one such result must not stop those behind it.
                except Exception as error:  # noqa: BLE001
                    why = f"its answer can't be understood ({type(error).__name__})"
                    self._rejected(delivery, why)
                else:
                    self._queue.delivered(delivery)

    def _rejected(self, delivery: Delivery, reason: str) -> None:
        log.warning("%s rejected a result of film %d: %s", self.name, delivery.film, reason)
        if delivery.tries + 1 >= _TRIES:
            self._queue.undeliverable(delivery, f"{self.name}: {reason}")
        else:
            wait = BACK_OFF_S[min(delivery.tries, len(BACK_OFF_S) - 1)]
            self._queue.postpone(delivery, wait, reason)
