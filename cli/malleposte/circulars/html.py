"""Text out of HTML: nothing of the markup stays, so that nothing of it can act. Its cost grows as its length does."""

from __future__ import annotations

import html
import re
import string

_UNSEEN = frozenset(("head", "object", "script", "style", "svg", "template", "textarea", "title"))
_LINES = frozenset(
    ("address", "blockquote", "br", "dd", "div", "dl", "dt", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p")
) | frozenset(("pre", "section", "table", "tr", "ul"))  # fmt: skip
_NAME = re.compile(r"/?([A-Za-z][A-Za-z0-9]{0,15})(?![A-Za-z0-9])")
_SMALL = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
"""Letters of tags. `str.lower` would make some texts longer."""


def to_text(page: str) -> str:
    """Return the words of a page, with a line for each block. A tag or an element that does not end hides the rest."""
    small, words, place = page.translate(_SMALL), [], 0
    while (begin := page.find("<", place)) >= 0:
        words.append(page[place:begin])
        comment = page.startswith("<!--", begin)
        end = page.find("-->", begin + 4) if comment else page.find(">", begin)
        if end < 0:
            break
        place = end + (3 if comment else 1)
        name = None if comment else _NAME.match(small, begin + 1)
        if name is None:
            continue
        if name[1] in _LINES:
            words.append("\n")
        elif name[1] in ("td", "th"):
            words.append(" ")
        elif name[1] in _UNSEEN and small[begin + 1] != "/":
            place = small.find(f"</{name[1]}", place)
            if place < 0:
                break
    else:
        words.append(page[place:])
    return _plain("".join(words))


def _plain(words: str) -> str:
    """Return text whose references are characters; as it is where one has more digits than a number may have."""
    try:
        return html.unescape(words)
    except ValueError:
        return words
