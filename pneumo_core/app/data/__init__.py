"""The data page: one dataset, its findings, its films, and what training makes of them."""
