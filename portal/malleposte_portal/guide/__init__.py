"""The agents' guide: the pages of docs/fr/guide as they are in the sources, with their pictures. It is in French."""

from __future__ import annotations

import functools
import importlib.resources
from collections.abc import Callable, Mapping

from flask import Flask, abort, current_app, render_template, url_for

from malleposte_portal.assets import Assets
from malleposte_portal.guide.markdown import Page, read

INDEX = "README"
ADDRESSES = {"guide": ("/guide", "/en/guide")}
"""The list of its pages."""


@functools.cache
def texts() -> Mapping[str, str]:
    """Each page's Markdown by its name, read once.

    The package may be one archive: an open one would be shared by the processes that gunicorn forks, and their reads
    would meet.
    """
    folder = importlib.resources.files("malleposte_portal").joinpath("guide", "texts")
    pages = sorted((path for path in folder.iterdir() if path.name.endswith(".md")), key=lambda path: path.name)
    return {path.name.removesuffix(".md"): path.read_text("utf-8") for path in pages}


def topics() -> tuple[str, ...]:
    """The names of its pages, without the list of them."""
    return tuple(name for name in texts() if name != INDEX)


def index() -> str:
    """The list of the pages."""
    return render_template("guide.html", page=_page(INDEX), index=True)


def topic(name: str) -> str:
    """One page."""
    if name not in topics():
        abort(404)
    return render_template("guide.html", page=_page(name), index=False)


VIEWS: dict[str, Callable[[], str]] = {"guide": index}


def setup_guide(app: Flask) -> None:
    """A page has one address, whatever the language: it is in French."""
    texts()
    app.add_url_rule("/guide/<name>", "guide_topic", topic, defaults={"language": "fr"})


def _page(name: str) -> Page:
    assets: Assets = current_app.extensions["assets"]
    return read(texts()[name], _address, lambda picture: assets.address(f"guide/{picture}"))


def _address(name: str) -> str:
    if name == INDEX:
        return url_for("guide")
    if name not in topics():
        raise ValueError(f"{name}.md: no page of the guide")
    return url_for("guide_topic", name=name)
