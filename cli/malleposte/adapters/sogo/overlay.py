"""Make this academy's copies of SOGo's French texts and of its style sheet, out of the package's own (role sogo).

Usage: sogo-overlay PACKAGE CHANGES STYLES TARGET

PACKAGE is the folder of SOGo's parts (/usr/share/GNUstep), CHANGES a JSON file, STYLES a style sheet that goes after
SOGo's. TARGET gets `<part>.strings` for each part that has French texts, and `theme-default.css`. A text or a shade
that the package no longer has is told to the journal: somebody should look at the file of changes, and the rest is done
all the same. Texts that SOGo's French never had are added: without them an agent reads English there. Every text of the
package gets the no-break spaces of French.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from malleposte.runtime import durable

FRENCH = "French.lproj/Localizable.strings"
THEME = "SOGo/WebServerResources/css/theme-default.css"
ENTRY = re.compile(r'^((?:"((?:[^"\\]|\\.)*)"|([\w-]+))\s*=\s*)"((?:[^"\\]|\\.)*)"(?=\s*;)', re.MULTILINE)


@dataclass(frozen=True)
class Changes:
    """Words, as (expression, replacement); single texts by part and name, corrected or added; shades, old and new."""

    words: Sequence[tuple[str, str]]
    texts: Mapping[str, Mapping[str, str]]
    added: Mapping[str, Mapping[str, str]]
    shades: Mapping[str, str]

    @classmethod
    def read(cls, path: Path) -> Changes:
        """Read the file of changes. Raises OSError, ValueError or KeyError."""
        document = json.loads(path.read_text("utf-8"))
        words = [(one["from"], one["to"]) for one in document["words"]]
        return cls(words, document["texts"], document.get("added", {}), document["shades"])


def capital(text: str) -> str:
    """The text with a capital at its beginning."""
    return text[:1].upper() + text[1:]


def reworded(text: str, words: Sequence[tuple[str, str]]) -> str:
    """The text in the right words; each expression begins a word, in small letters or with a capital."""
    for old, new in words:
        text = re.sub(rf"(?<!\w){old}", lambda _, new=new: new, text)  # type: ignore[misc]
        text = re.sub(rf"(?<!\w){capital(old)}", lambda _, new=new: capital(new), text)  # type: ignore[misc]
    return text


def spaced(text: str) -> str:
    """A French text whose guillemets and double signs have no-break spaces: a line never begins with one of them."""
    text = re.sub(r"\u00ab[ \u00a0]?", "«\u00a0", re.sub(r"[ \u00a0]?\u00bb", "\u00a0»", text))
    return re.sub(r" (?=[:;?!](?:\s|\\n|$))", "\u00a0", text)


def quoted(text: str) -> str:
    """The text as a `.strings` file has it."""
    return '"{}"'.format(text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n"))


def corrected(strings: str, words: Sequence[tuple[str, str]], texts: Mapping[str, str]) -> tuple[str, set[str]]:
    """The text of a `.strings` file after the changes, and the names of single texts that it does not have."""
    missing = set(texts)

    def change(entry: re.Match[str]) -> str:
        head, name, bare, value = entry.groups()
        name = bare if name is None else name
        missing.discard(name)
        text = texts.get(name)
        if text is None:
            return f'{head}"{spaced(reworded(value, words))}"'
        return head + quoted(text)

    return ENTRY.sub(change, strings), missing


def recoloured(css: str, shades: Mapping[str, str]) -> tuple[str, set[str]]:
    """The style sheet in other shades, and the shades that it does not have."""
    missing = set(shades)

    def change(match: re.Match[str]) -> str:
        shade = re.sub(r"\s", "", match[2])
        missing.discard(shade)
        return f"{match[1]}{shades.get(shade, match[2])}"

    return re.sub(r"(rgba?\()(\d+\s*,\s*\d+\s*,\s*\d+)", change, css), missing


def put(path: Path, text: str) -> None:
    """Replace a file whole."""
    durable.write(path, text, 0o644)


def overlay(package: Path, changes: Changes, styles: str, target: Path) -> list[str]:
    """Make all copies; return what the package no longer has."""
    gone = []
    parts = {path.parents[1].name.removesuffix(".SOGo"): path for path in sorted(package.glob(f"*.SOGo/{FRENCH}"))}
    for part, path in parts.items():
        text, missing = corrected(path.read_text("utf-8"), changes.words, changes.texts.get(part, {}))
        more = (f"{quoted(name)} = {quoted(value)};\n" for name, value in changes.added.get(part, {}).items())
        put(target / f"{part}.strings", text + "".join(more))
        gone += [f"{part} has no text {name!r}" for name in sorted(missing)]
    gone += [f"SOGo has no part {part!r}" for part in sorted({*changes.texts, *changes.added} - parts.keys())]
    css, missing = recoloured((package / THEME).read_text("utf-8"), changes.shades)
    put(target / "theme-default.css", f"{css}\n{styles}")
    # The palettes have shades that no rule uses; without the first of each nothing is of the academy's colour.
    if missing == set(changes.shades):
        gone.append("the style sheet has none of the shades")
    return gone


def main(words: Sequence[str]) -> int:
    """The exit code."""
    if len(words) != 4:
        print("usage: sogo-overlay PACKAGE CHANGES STYLES TARGET", file=sys.stderr)
        return 2
    package, changes, styles, target = map(Path, words)
    try:
        gone = overlay(package, Changes.read(changes), styles.read_text("utf-8"), target)
    except (OSError, ValueError, KeyError) as error:
        print(f"<3>sogo-overlay: {error}; SOGo keeps its own texts and colours", file=sys.stderr)
        return 1
    for one in gone:
        print(f"<4>sogo-overlay: {one}; look at roles/sogo/files/french.yml", file=sys.stderr)
    return 0
