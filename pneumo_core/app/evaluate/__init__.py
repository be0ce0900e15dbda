"""The evaluate page: one checkpoint on many films, a threshold, the films behind every number."""
