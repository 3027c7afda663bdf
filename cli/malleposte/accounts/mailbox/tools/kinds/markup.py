"""Text of a message in the formats of tools: nothing of it marks up, calls anybody or leads anywhere."""

from __future__ import annotations

import re

JOINER = "\N{WORD JOINER}"
"""A character without a width: what it parts is no name of anybody and no address any more."""
_SPECIAL = re.compile(r"[\\`*_{}\[\]()#+\-.!~|=]")
_ADDRESS = re.compile(r"(?i)(www|://|mailto:)")


def unlinked(text: str) -> str:
    """The text, in which no program sees a name (`@channel`) or an address."""
    return _ADDRESS.sub(lambda match: match[0] + JOINER, text.replace("@", f"@{JOINER}"))


def entities(text: str) -> str:
    """The text without the three characters that Slack, HTML and Markdown read."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def markdown(text: str) -> str:
    """The text as Markdown that shows it as it is, line by line."""
    safe = _SPECIAL.sub(lambda match: f"\\{match[0]}", unlinked(text).replace("&", "&amp;"))
    return safe.replace("<", "&lt;").replace(">", "&gt;")


def quoted(text: str) -> str:
    """The lines of a text as a quotation of Markdown."""
    return "\n".join(f"> {markdown(line)}" for line in text.splitlines())
