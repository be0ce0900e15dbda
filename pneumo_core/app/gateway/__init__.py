"""The gateway page."""
