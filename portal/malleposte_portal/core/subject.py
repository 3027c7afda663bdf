"""A subject of the portal: a Flask Blueprint whose pages have an address in each language."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint

from malleposte_portal.core.settings import LANGUAGES


class Subject(Blueprint):
    """The routes of one subject.

    Endpoints bear no prefix: templates link the pages of all subjects by their names.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name, "malleposte_portal")

    def page[V: Callable[..., Any]](self, french: str, english: str, endpoint: str = "") -> Callable[[V], V]:
        """Route a view that shows something, at its address in each language.

        The endpoint is the name of the view unless another is given.
        """
        return self._routed((french, english), endpoint, ["GET"])

    def form[V: Callable[..., Any]](self, french: str, english: str, endpoint: str = "") -> Callable[[V], V]:
        """Route a view that shows a form and takes it. As `page`."""
        return self._routed((french, english), endpoint, ["GET", "POST"])

    def act[V: Callable[..., Any]](self, french: str, english: str, endpoint: str = "") -> Callable[[V], V]:
        """Route a view that takes the form of another page, and shows nothing of its own. As `page`."""
        return self._routed((french, english), endpoint, ["POST"])

    def _routed[V: Callable[..., Any]](
        self, addresses: tuple[str, str], endpoint: str, methods: list[str]
    ) -> Callable[[V], V]:
        def route(view: V) -> V:
            for language, address in zip(LANGUAGES, addresses, strict=True):
                self.add_url_rule(address, endpoint or None, view, defaults={"language": language}, methods=methods)
            return view

        return route

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: Any = None,
        provide_automatic_options: bool | None = None,
        **options: Any,
    ) -> None:
        """See flask.Blueprint.add_url_rule, which would put the name of the Blueprint before the endpoint."""
        self.record(
            lambda state: state.app.add_url_rule(rule, endpoint, view_func, provide_automatic_options, **options)
        )
