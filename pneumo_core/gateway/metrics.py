"""Figures for Prometheus: counts, times and versions; no names, no UIDs."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from pneumo_core import __version__
from pneumo_core.gateway.overview import overview

if TYPE_CHECKING:
    from pneumo_core.gateway.service import Gateway

__all__ = ["Metrics"]


class Metrics(Collector):
    """What ``/metrics`` shows. Each gateway has its own registry.

    ``answers`` counts HTTP answers by path and status, ``seconds`` how long readings take there.
    """

    def __init__(self, gateway: "Gateway") -> None:
        self._gateway = gateway
        self._registry = CollectorRegistry()
        self.answers = Counter(
            "pneumo_http_answers", "HTTP answers", ["path", "status"], registry=self._registry
        )
        self.seconds = Histogram(
            "pneumo_http_reading_seconds", "Time of a reading by HTTP", registry=self._registry
        )
        self._registry.register(self)

    def text(self) -> bytes:
        """Return the figures as Prometheus reads them."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Ask the queue."""
        queue = self._gateway.queue
        found = overview(queue)
        states = GaugeMetricFamily("pneumo_films", "X-rays in the queue", labels=["state"])
        for state, count in found["states"].items():
            states.add_metric([state], count)
        yield states
        waiting = GaugeMetricFamily(
            "pneumo_results_waiting", "Results to be sent", labels=["destination"]
        )
        for destination, count in found["waiting"].items():
            waiting.add_metric([destination], count)
        yield waiting
        turned = GaugeMetricFamily("pneumo_turned_away", "Not taken in", labels=["reason"])
        for reason, count in queue.rows("SELECT reason, count(*) FROM turned_away GROUP BY 1"):
            turned.add_metric([reason], count)
        yield turned
        seconds = queue.one("SELECT avg(seconds) FROM films WHERE seconds IS NOT NULL") or 0.0
        yield _gauge("pneumo_reading_seconds_mean", "Time to read an X-ray", seconds)
        yield _gauge("pneumo_oldest_waiting_seconds", "Age of the oldest", found["oldest"])
        yield _gauge("pneumo_paused", "Whether reading is paused", float(found["paused"]))
        yield _gauge("pneumo_associations", "Senders", self._gateway.receiver.associations)
        yield self._versions()

    def _versions(self) -> Metric:
        reader = self._gateway.reader
        told = {"pneumo": __version__}
        if reader is not None:
            told |= {"model": reader.checkpoint.name, "version": reader.checkpoint.card.version}
        return InfoMetricFamily("pneumo_version", "What reads", value=told)


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(name, about, value=value)
