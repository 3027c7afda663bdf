"""The contrast of two colours, as WCAG 2.1 measures it."""

from collections.abc import Iterable


def luminance(shade: Iterable[float]) -> float:
    """Relative luminance of red, green and blue (0 to 255): from 0 to 1."""
    parts = (part / 255 for part in shade)
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Iterable[float], other: Iterable[float]) -> float:
    """The ratio of two colours: from 1 to 21. A usual text needs 4.5."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
