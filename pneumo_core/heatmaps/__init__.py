"""Where a network looked."""

from pneumo_core.heatmaps.heat_map import HeatMap

__all__ = ["HeatMap"]
