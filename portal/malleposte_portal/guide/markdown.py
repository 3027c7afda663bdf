"""A page of the guide out of its Markdown (CommonMark, and tables)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

LINK = re.compile(r"(?P<name>[\w-]+)\.md(?P<part>#.+)?")
PICTURE = re.compile(r"\.\./\.\./images/(?P<name>[\w-]+\.png)")
PHONE = "-phone.png"
"""The end of the names of pictures that were taken on a phone."""


@dataclass(frozen=True)
class Page:
    """The title, without markup, and what follows it."""

    title: str
    body: Markup


def read(text: str, address: Callable[[str], str], picture: Callable[[str], str]) -> Page:
    """The page. `address` gives the path of a page by its name, `picture` that of a picture by its file's name.

    Markup of HTML in the text is shown, not obeyed. Raises ValueError on a link or a picture from elsewhere, and on a
    text that does not begin with its title.
    """
    parser = MarkdownIt("commonmark", {"html": False, "xhtmlOut": False}).enable("table")
    tokens = parser.parse(text)
    if [token.tag for token in tokens[:1]] != ["h1"]:
        raise ValueError("the page does not begin with its title")
    for token, after in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type == "heading_open" and after is not None:
            token.attrSet("id", anchor(_words(after)))
        for inner in token.children or ():
            _lead(inner, address, picture)
    body = parser.renderer.render(tokens[3:], parser.options, {})
    return Page(_words(tokens[1]), Markup(body))  # noqa: S704  # the parser escapes what it was given


def anchor(heading: str) -> str:
    """The name of a section in addresses, as forges make it of the heading: letters, digits, hyphens."""
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", heading.lower()))


def _lead(token: Token, address: Callable[[str], str], picture: Callable[[str], str]) -> None:
    if token.type == "link_open":
        parts = _whole(LINK, str(token.attrs["href"]))
        token.attrSet("href", address(parts["name"]) + (parts["part"] or ""))
    if token.type == "image":
        name = _whole(PICTURE, str(token.attrs["src"]))["name"]
        token.attrSet("src", picture(name))
        token.attrSet("loading", "lazy")
        if name.endswith(PHONE):
            token.attrSet("class", "phone")


def _whole(form: re.Pattern[str], text: str) -> re.Match[str]:
    match = form.fullmatch(text)
    if match is None:
        raise ValueError(f"{text}: neither a page of the guide nor a picture of the documentation")
    return match


def _words(token: Token) -> str:
    children: Sequence[Token] = token.children or ()
    return "".join(one.content for one in children)
