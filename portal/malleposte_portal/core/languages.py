"""French first, then English: the texts are French in the sources, and `translations/en.po` has the English ones.

The language of a page is that of its address (`/en/…` is English), so that a page can be bookmarked and sent.
"""

from __future__ import annotations

import functools
import gettext
import importlib.resources
import io

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask, g

from malleposte_portal.core.settings import LANGUAGES


class MissingTranslation(LookupError):
    """A text that the catalogue of a language lacks. Tests ask for it; agents would see the French text."""


class _Strict(gettext.NullTranslations):
    """Asked after a catalogue, in tests."""

    def gettext(self, message: str) -> str:
        raise MissingTranslation(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        raise MissingTranslation(msgid1)


class _French(gettext.NullTranslations):
    """The sources are French: nought is singular."""

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return msgid1 if n < 2 else msgid2


@functools.cache
def catalogues(*, strict: bool = False) -> dict[str, gettext.NullTranslations]:
    """The texts by language. With `strict`, a missing translation raises MissingTranslation."""
    by_language: dict[str, gettext.NullTranslations] = {LANGUAGES[0]: _French()}
    for language in LANGUAGES[1:]:
        file = importlib.resources.files("malleposte_portal").joinpath("translations", f"{language}.po")
        compiled = io.BytesIO()
        write_mo(compiled, read_po(io.StringIO(file.read_text("utf-8")), locale=language))
        compiled.seek(0)
        by_language[language] = gettext.GNUTranslations(compiled)
        by_language[language].add_fallback(_Strict() if strict else _French())
    return by_language


def translate(message: str, **values: object) -> str:
    """A text in the language of the page; `values` fill its `%(name)s`."""
    text: str = g.catalogue.gettext(message)
    return text % values if values else text


def translate_number(one: str, many: str, number: int) -> str:
    """A text with a number in the language of the page; it stands where the text says `%(number)d`."""
    text: str = g.catalogue.ngettext(one, many, number)
    return text % {"number": number}


def capital(words: str) -> str:
    """The same at the beginning of a sentence, such as the name of an academy, which may begin with a small letter."""
    return words[:1].upper() + words[1:]


def setup_languages(app: Flask) -> None:
    """Each address tells its language; templates have `_`, `ngettext`, `capital`."""
    by_language = app.extensions["catalogues"] = catalogues(strict=app.testing)

    @app.url_value_preprocessor
    def take_language(_endpoint: str | None, values: dict[str, object] | None) -> None:
        language = (values or {}).pop("language", LANGUAGES[0])
        g.language = language
        g.catalogue = by_language[str(language)]

    @app.before_request
    def default_language() -> None:
        # An address that leads nowhere has no values.
        if "language" not in g:
            take_language(None, None)

    app.jinja_env.globals.update(_=translate, ngettext=translate_number, capital=capital)
