"""The room where networks are trained."""
