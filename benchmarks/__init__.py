"""Pneumo against what people use today and against what the machine can do: ``make benchmark``."""
