"""The Train page: start, follow and manage training runs."""
