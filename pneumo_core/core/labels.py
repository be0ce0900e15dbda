"""The two labels, the truth about an X-ray."""

__all__ = ["LABELS", "NORMAL", "PNEUMONIA"]

NORMAL = 0
PNEUMONIA = 1
LABELS = ("NORMAL", "PNEUMONIA")
"""Names of the labels 0 and 1."""
