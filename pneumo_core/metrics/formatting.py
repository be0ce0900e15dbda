"""Number formats of probabilities, rates and areas, the same on pages, in reports and terminals."""

import math

__all__ = ["format_interval", "format_prevalence", "format_rate", "format_share"]

_MINUS = "\u2212"


def format_rate(value: float, *, percent: bool = False) -> str:
    """Write a number in [0, 1] with three decimals: "0.951", or as a percentage: "95.1 %".

    A value that rounds to 0 or 1 is written as a bound, "< 0.001" or "> 99.9 %": no finite set of
    X-rays shows that a rate is exactly 0 or 1, and no network gives such a probability.
    Differences, in [-1, 1], keep their minus sign. NaN is "not known".
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

    An end that is exactly 0 or 1 is written as such; one that rounds to it is a bound: "0.986 to >
    0.999".
    Empty if there is no interval (NaN), or if both ends are the same bound.
    """
    if math.isnan(low) or math.isnan(high):
        return ""
    ends = [_end(each, percent) for each in (low, high)]
    if ends[0] == ends[1] and not ends[0][0].isdigit():
        return ""
    plain = all(end[0].isdigit() for end in ends)
    return ("–" if plain else " to ").join(ends) + (" %" if percent else "")


def format_prevalence(share: float) -> str:
    """Write a prevalence with at most three digits: "20 %", "0.5 %"."""
    return f"{100 * share:.3g} %"


def format_share(share: float) -> str:
    """Write the share of counted X-rays: "95.1 %", "all" or "none"; NaN is "not known"."""
    if share in (0, 1):
        return "all" if share else "none"
    return format_rate(share, percent=True)


def _end(value: float, percent: bool) -> str:
    if value in (0, 1):
        return f"{value * (100 if percent else 1):.0f}"
    return format_rate(value, percent=percent).removesuffix(" %")
