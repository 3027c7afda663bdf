"""The agents' guide, and that of the help desk: the pages of docs/fr/guide and docs/fr/assistance as they are in the
sources, with their pictures. They are in French.
"""

from __future__ import annotations

import functools
import importlib.resources
from collections.abc import Mapping

from flask import Flask, abort, current_app, render_template

from malleposte_portal.core.assets import Assets
from malleposte_portal.core.subject import Subject
from malleposte_portal.guide.markdown import Page, read

INDEX = "README"
ADDRESS = "/guide"
"""The list of the pages, each of which is below it: they are in French, whatever the language of the list."""
DESK = "/assistance/guide"
"""The same of the help desk's pages."""
FOLDERS = {ADDRESS: "texts", DESK: "desk"}
SUBJECT = Subject("guide")


@functools.cache
def pages(pictures: str, base: str = ADDRESS) -> Mapping[str, Page]:
    """Each page below `base` by its name; `pictures` is the address of the folder of its pictures.

    They are made before gunicorn forks: the package may be an archive, and processes that share an open one disturb
    each other's reads. The parser of links (mdurl), too, fills its tables when it is first used, which no two threads
    may do at once.
    """
    folder = importlib.resources.files("malleposte_portal").joinpath("guide", FOLDERS[base])
    files = sorted((path for path in folder.iterdir() if path.name.endswith(".md")), key=lambda path: path.name)
    texts = {path.name.removesuffix(".md"): path.read_text("utf-8") for path in files}

    def address(name: str) -> str:
        if name not in texts:
            raise ValueError(f"{name}.md: no page of the guide")
        return base if name == INDEX else f"{base}/{name}"

    return {name: read(text, address, lambda picture: f"{pictures}/{picture}") for name, text in texts.items()}


@SUBJECT.page(ADDRESS, "/en/guide", "guide")
def index() -> str:
    """The list of the pages."""
    return render_template("guide/guide.html", page=current_app.extensions["guide"][INDEX], index=True)


@SUBJECT.get(f"{ADDRESS}/<name>", endpoint="guide_topic", defaults={"language": "fr"})
def topic(name: str) -> str:
    """One page."""
    page = current_app.extensions["guide"].get(name)
    if page is None or name == INDEX:
        abort(404)
    return render_template("guide/guide.html", page=page, index=False)


def setup_guide(app: Flask) -> None:
    """Read its pages, whose pictures are among the assets."""
    assets: Assets = app.extensions["assets"]
    app.extensions["guide"] = pages(assets.address("guide"))
    app.extensions["desk_guide"] = pages(assets.address("guide"), DESK)
