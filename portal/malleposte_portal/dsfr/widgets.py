"""Widgets of WTForms in the markup of the design system: label, hint, control, errors, and what points at which."""

from __future__ import annotations

from typing import Any

from flask import render_template
from markupsafe import Markup


class Widget:
    """Renders a field by a template. `options` are given to it; what is not `sent` has no name in the form."""

    template = ""

    def __init__(self, **options: Any) -> None:
        self.options = options

    def __call__(self, field: Any, **more: Any) -> Markup:
        """The markup of a field, whose words are translated here."""
        described = [f"{field.id}-error"] if field.errors else []
        described += [f"{field.id}-hint"] if field.description else []
        options = {"sent": True, **self.options, **more}
        text = render_template(self.template, field=field, described=described, **options)
        return Markup(text)  # noqa: S704 - a template of our own, which escapes


class Input(Widget):
    """A line of text; `kind` is the type of the control."""

    template = "dsfr/input.html"

    def __init__(self, kind: str = "text", **options: Any) -> None:
        super().__init__(kind=kind, **options)


class Textarea(Widget):
    """A text of several lines."""

    template = "dsfr/textarea.html"

    def __init__(self, *, rows: int = 4, **options: Any) -> None:
        super().__init__(rows=rows, **options)


class Password(Widget):
    """A password, which never goes back to the browser. With `new`, the rules are beside it."""

    template = "dsfr/password.html"

    def __init__(self, *, new: bool = False, **options: Any) -> None:
        super().__init__(new=new, **options)


class Radios(Widget):
    """One of several choices. `legend` is in the language of the page, and stands in place of the label."""

    template = "dsfr/radios.html"

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"legend": "", **options})


class Checkbox(Widget):
    """One box to tick."""

    template = "dsfr/checkbox.html"
