"""The Log page: audit log, agreement of readers and models."""
