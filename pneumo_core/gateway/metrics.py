"""Metrics for Prometheus: counts, times, drift and versions; no names, no UIDs."""

import math
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from pneumo_core import __version__
from pneumo_core.errors import PneumoError
from pneumo_core.gateway.overview import overview

if TYPE_CHECKING:
    from pneumo_core.gateway.drift import DriftFigures
    from pneumo_core.gateway.service import Gateway

__all__ = ["Metrics"]

_DRIFT_EVERY_S = 60.0


class Metrics(Collector):
    """The metrics of ``/metrics``. Each gateway has its own registry.

    ``answers`` counts HTTP answers by path and status; ``seconds`` is a histogram of the time that
    readings by HTTP take.
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
        self._drift: DriftFigures | None = None
        self._drift_due = 0.0
        self._registry.register(self)

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Query the queue."""
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
        turned = GaugeMetricFamily("pneumo_turned_away", "Files not received", labels=["reason"])
        for reason, count in queue.rows("SELECT reason, count(*) FROM turned_away GROUP BY 1"):
            turned.add_metric([reason], count)
        yield turned
        seconds = queue.one("SELECT avg(seconds) FROM films WHERE seconds IS NOT NULL") or 0.0
        yield _gauge("pneumo_reading_seconds_mean", "Time to read an X-ray", seconds)
        yield _gauge("pneumo_oldest_waiting_seconds", "Wait of the oldest X-ray", found["oldest"])
        yield _gauge("pneumo_paused", "Whether reading is paused", float(found["paused"]))
        yield _gauge(
            "pneumo_associations", "Open associations", self._gateway.receiver.associations
        )
        yield from self._drift_gauges()
        yield self._versions()

    def _drift_gauges(self) -> Iterator[Metric]:
        figures = self._recent_drift()
        if figures is None:
            return
        yield _gauge("pneumo_drift_films", "X-rays compared for drift", figures.films)
        alarm = float(figures.alarm)
        yield _gauge("pneumo_drift_alarm", "Whether recent probabilities have drifted", alarm)
        if not math.isnan(figures.stability_index):
            index, p_value = figures.stability_index, figures.p_value
            yield _gauge("pneumo_drift_stability_index", "Population stability index", index)
            yield _gauge("pneumo_drift_p_value", "Kolmogorov-Smirnov p-value", p_value)

    def _recent_drift(self) -> "DriftFigures | None":
        """Return the drift figures, computed once a minute; None without a model or its scores."""
        # SciPy and pandas take a second to import: only on request.
        from pneumo_core.gateway.drift import recent_drift

        reader = self._gateway.reader
        if reader is not None and time.monotonic() >= self._drift_due:
            self._drift_due = time.monotonic() + _DRIFT_EVERY_S
            rules = self._gateway.config.drift
            try:
                self._drift = recent_drift(self._gateway.queue, reader.checkpoint, rules)
            except PneumoError:  # a checkpoint without validation scores
                self._drift = None
        return self._drift

    def _versions(self) -> Metric:
        reader = self._gateway.reader
        told = {"pneumo": __version__}
        if reader is not None:
            told |= {"model": reader.checkpoint.name, "version": reader.checkpoint.card.version}
        return InfoMetricFamily("pneumo_version", "What reads", value=told)


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(name, about, value=value)
