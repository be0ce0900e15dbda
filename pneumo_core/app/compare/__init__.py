"""The Compare page: figures and tests of several models, and single X-rays side by side."""
