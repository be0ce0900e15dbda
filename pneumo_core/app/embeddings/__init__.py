"""The Embeddings page: maps of the features of many X-rays."""
