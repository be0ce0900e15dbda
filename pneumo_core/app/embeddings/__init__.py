"""The embeddings page: what a network sees of many films, as maps."""
