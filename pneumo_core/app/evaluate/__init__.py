"""The Evaluate page: a model on many X-rays at any threshold, and the X-rays behind each figure."""
