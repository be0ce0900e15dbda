"""How probabilities, rates and areas are written, the same on pages, on paper and in a terminal."""

import math

__all__ = ["format_interval", "format_rate"]

_MINUS = "\u2212"


def format_rate(value: float, *, percent: bool = False) -> str:
    """Write a number in [0, 1] with three decimals: "0.951", or as a percentage: "95.1 %".

    A point that rounds to 0 or 1 is written as a bound, "< 0.001" or "> 99.9 %": no finite set of
    films shows that a rate is exactly 0 or 1, and no probability of a network is. Differences, in
    [-1, 1], have a minus sign where they need one. NaN is "not known".
    """
    if math.isnan(value):
        return "not known"
    number = 100 * value if percent else value
    top, digits, unit = (100, 1, " %") if percent else (1, 3, "")
    step, size = 10.0**-digits, f"{abs(number):.{digits}f}"
    sign = _MINUS if number < 0 else ""
    if float(size) == 0:
        return f"{'>' if sign else '<'} {sign}{step:.{digits}f}{unit}"
    if float(size) == top:
        return f"{'<' if sign else '>'} {sign}{top - step:.{digits}f}{unit}"
    return f"{sign}{size}{unit}"


def format_interval(low: float, high: float, *, percent: bool = False) -> str:
    """Write an interval: "0.933–0.966", "93.3–96.6 %".

    An end that rounds to 0 or 1 is written "0" or "1" (100 as a percentage): it bounds the figure
    already. Ends below 0 are set apart by "to". Empty where there is no interval (NaN).
    """
    if math.isnan(low) or math.isnan(high):
        return ""
    ends = [_end(each, percent) for each in (low, high)]
    between = " to " if low < 0 else "–"
    return between.join(ends) + (" %" if percent else "")


def _end(value: float, percent: bool) -> str:
    number, digits = (100 * value, 1) if percent else (value, 3)
    size = f"{abs(number):.{digits}f}"
    if float(size) in (0, 100 if percent else 1):
        size = f"{float(size):.0f}"
    return f"{_MINUS if number < 0 and float(size) else ''}{size}"
