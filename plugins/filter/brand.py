# SPDX-License-Identifier: GPL-3.0-or-later
"""The academy's colour and marks: the shades that pages need, and pictures where the academy gives none."""

from __future__ import annotations

import re
from html import escape
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.academie.malleposte.plugins.plugin_utils.filters import filters

_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)
# SOGo's palettes (js/Common.js): the hues of each, from 50 to 900, then A100 to A700.
_PALETTES = {
    "sogo-blue": (
        "240,250,249", "225,245,243", "206,235,232", "191,224,221", "178,214,211", "161,204,200", "142,191,187",
        "125,179,176", "99,153,151", "77,128,128", "212,247,250", "195,245,250", "83,227,240", "0,176,192",
    ),
    "sogo-green": (
        "234,245,233", "203,229,200", "170,214,165", "136,199,129", "102,184,106", "86,176,76", "77,161,67",
        "56,142,60", "54,125,46", "34,94,27", "250,250,250", "105,240,174", "0,230,118", "0,200,83",
    ),
}  # fmt: skip
_HUES = ("50", *(f"{number}00" for number in range(1, 10)), "A100", "A200", "A400", "A700")
_SETTINGS = {"contrastDefaultColor": "light", "contrastDarkColors": ["50", "100", "200", "300", "400", "A100"]}
Colour = tuple[int, ...]

# SOGo's two palettes (js/Common.js), and how much white each shade is of the academy's colour. The toolbars, the round
# buttons and the pane of the log-in bear white text: they stay the colour itself, or near it.
_SOGO = {
    "77,128,128": 0.0, "99,153,151": 0.16, "125,179,176": 0.3, "142,191,187": 0.3, "161,204,200": 0.55,
    "178,214,211": 0.7, "191,224,221": 0.76, "206,235,232": 0.84, "225,245,243": 0.9, "240,250,249": 0.95,
    "0,176,192": 0.16, "83,227,240": 0.55, "195,245,250": 0.84, "212,247,250": 0.9,
    "86,176,76": 0.0, "77,161,67": 0.0, "56,142,60": 0.0, "54,125,46": 0.0, "34,94,27": 0.0, "102,184,106": 0.16,
    "136,199,129": 0.3, "170,214,165": 0.7, "203,229,200": 0.8, "234,245,233": 0.92,
    "0,200,83": 0.0, "0,230,118": 0.16, "105,240,174": 0.55,
}  # fmt: skip


def _read(colour: str) -> Colour:
    if not re.fullmatch("#[0-9a-fA-F]{6}", colour):
        raise AnsibleFilterError(f"brand: {colour!r} is no colour; write it as #rrggbb")
    return tuple(int(colour[place : place + 2], 16) for place in (1, 3, 5))


def _mixed(colour: Colour, other: Colour, part: float) -> Colour:
    return tuple(round(one + (two - one) * part) for one, two in zip(colour, other, strict=True))


def _hex(colour: Colour) -> str:
    return "#" + "".join(f"{part:02x}" for part in colour)


def brand_shades(colour: str) -> dict[str, str]:
    """The colour itself, a darker one, two pale ones for backgrounds, and a light one for dark pages."""
    base = _read(colour)
    return {
        "base": _hex(base),
        "strong": _hex(_mixed(base, _BLACK, 0.3)),
        "soft": _hex(_mixed(base, _WHITE, 0.8)),
        "pale": _hex(_mixed(base, _WHITE, 0.92)),
        "light": _hex(_mixed(base, _WHITE, 0.62)),
    }


def brand_sogo(colour: str) -> dict[str, str]:
    """SOGo's shades, as its style sheet writes them (`77,128,128`), each with the academy's in its stead."""
    base = _read(colour)
    return {shade: ",".join(map(str, _mixed(base, _WHITE, white))) for shade, white in _SOGO.items()}


def brand_palettes(colour: str) -> dict[str, dict[str, Any]]:
    """SOGo's palettes in the academy's colour, as its pages define them (AngularJS Material)."""
    shades = brand_sogo(colour)
    made: dict[str, dict[str, Any]] = {}
    for name, old in _PALETTES.items():
        new = (tuple(map(int, shades.get(shade, shade).split(","))) for shade in old)
        made[name] = {hue: _hex(shade)[1:] for hue, shade in zip(_HUES, new, strict=True)} | _SETTINGS
    return made


def brand_icon(colour: str) -> str:
    """A square picture: an envelope, white on the colour. For tabs, small menus and phones."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" width="32" height="32">'
        f'<rect width="32" height="32" rx="4" fill="{_hex(_read(colour))}"/>'
        '<path d="M6 10h20v12H6z M6 10l10 7 10-7" fill="none" stroke="#fff" stroke-width="2" stroke-linejoin="round"/>'
        "</svg>\n"
    )


def brand_logo(name: str, colour: str) -> str:
    """A wide picture: the envelope, then the academy's name in at most two lines."""
    shade = _hex(_read(colour))
    shown = name[:1].upper() + name[1:]
    words = shown.split()
    lines = [shown]
    if len(words) > 1 and len(shown) > 14:
        cut = min(range(1, len(words)), key=lambda at: abs(len(" ".join(words[:at])) - len(" ".join(words[at:]))))
        lines = [" ".join(words[:cut]), " ".join(words[cut:])]
    width = 80 + 18 * max(map(len, lines))
    first = 40 if len(lines) == 1 else 27
    text = "".join(
        f'<text x="76" y="{first + 30 * at}" font-family="Marianne, system-ui, sans-serif" font-size="25"'
        f' font-weight="700" fill="{shade}">{escape(line)}</text>'
        for at, line in enumerate(lines)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 64" width="{width}" height="64" role="img">'
        f'<title>{escape(shown)}</title><rect width="60" height="64" rx="6" fill="{shade}"/>'
        '<path d="M12 20h36v24H12z M12 20l18 13 18-13" fill="none" stroke="#fff" stroke-width="3.4"'
        ' stroke-linejoin="round"/>'
        f"{text}</svg>\n"
    )


FilterModule = filters(brand_shades, brand_sogo, brand_palettes, brand_icon, brand_logo)
