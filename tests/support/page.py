"""A page of HTML, as tests look at it."""

from html.parser import HTMLParser
from typing import Any

VOID = {"meta", "link", "br", "img", "hr", "input"}


class Page(HTMLParser):
    """The elements of a page, in order, each with its attributes and text; it fails where they do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[int] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[int, str] = {}
        self.feed(text)
        self.close()
        assert self.open == [], f"not closed: {[self.elements[one][0] for one in self.open]}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(len(self.elements) - 1)

    def handle_endtag(self, tag: str) -> None:
        assert self.elements[self.open.pop()][0] == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_data(self, data: str) -> None:
        for one in self.open:
            self.texts[one] = self.texts.get(one, "") + data

    def all(self, tag: str) -> list[tuple[dict[str, str | None], str]]:
        """Attributes and text of every element of a kind."""
        return [
            (attributes, " ".join(self.texts.get(rank, "").split()))
            for rank, (name, attributes) in enumerate(self.elements)
            if name == tag
        ]

    def groups(self) -> list[bool]:
        """Whether each group of the menu beside the page is open."""
        return ["open" in attributes for attributes, _text in self.all("details") if attributes.get("class") == "group"]

    @property
    def main(self) -> str:
        """The text of the page's own part."""
        return self.all("main")[0][1]

    @property
    def heading(self) -> str:
        """The text of the first heading."""
        return self.all("h1")[0][1]

    @property
    def links(self) -> list[str]:
        """The addresses to which its links lead."""
        return [str(attributes["href"]) for attributes, _text in self.all("a")]

    def named(self, name: str) -> str:
        """The text of the element with this id; empty where there is none."""
        for rank, (_tag, attributes) in enumerate(self.elements):
            if attributes.get("id") == name:
                return " ".join(self.texts.get(rank, "").split())
        return ""

    def forms(self) -> list[dict[str, Any]]:
        """Each form: its `action`, and its hidden fields by name."""
        found: list[dict[str, Any]] = []
        for name, held in self.elements:
            if name == "form":
                found.append({"action": held.get("action"), "fields": {}})
            elif name == "input" and held.get("type") == "hidden":
                found[-1]["fields"][held["name"]] = held["value"]
        return found

    def form(self, action: str) -> dict[str, Any]:
        """The hidden fields of the one form that leads to an address."""
        fields: dict[str, Any]
        (fields,) = [form["fields"] for form in self.forms() if form["action"] == action]
        return fields
