"""The gateway: receives X-rays from a PACS, reads them, and sends the results back."""

from pneumo_core.gateway.config import Config, Destination, read_config
from pneumo_core.gateway.overview import overview, received_since, turned_away
from pneumo_core.gateway.queue import Queue
from pneumo_core.gateway.records import Film
from pneumo_core.gateway.service import Gateway

__all__ = [
    "Config",
    "Destination",
    "Film",
    "Gateway",
    "Queue",
    "overview",
    "read_config",
    "received_since",
    "turned_away",
]
