"""The reading room: a worklist, a film, what was said of it, and the way to take it along."""
