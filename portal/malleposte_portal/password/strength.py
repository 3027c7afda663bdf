"""« Je teste la robustesse de mon mot de passe »: the portal gives rules and words, the browser does the rest."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, jsonify, render_template
from malleposte.policy import rules
from malleposte.policy.project import SENTENCE_OF
from wtforms import PasswordField, StringField

from malleposte_portal import dsfr
from malleposte_portal.core import forms
from malleposte_portal.core.forms import Form
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.static_files import FOLDER
from malleposte_portal.core.subject import Subject

SUBJECT = Subject("strength")
SCRIPTS = ("zxcvbn/core.js", "zxcvbn/common.js", "zxcvbn/fr.js")
WORDS = FOLDER.joinpath("words.txt").read_text("utf-8").split()
"""Words of passphrases: neutral, without accents, four letters or more."""
LEVELS = (
    "Règles respectées, mais très facile à deviner : choisissez-en un autre.",
    "Règles respectées, mais facile à deviner : choisissez-en un autre.",
    "Règles respectées, mais assez facile à deviner.",
    "Règles respectées ; difficile à deviner.",
    "Règles respectées ; très difficile à deviner.",
)
"""The verdicts on a password that breaks no rule, by zxcvbn's score."""
REFUSED = "Refusé : corrigez ce qui est marqué ci-dessus."
REASONS = (
    "forbidden_character",
    "digest_form",
    "contains_login",
    "contains_name",
    "common_word",
    "keyboard_walk",
    "repetition",
)
"""The violations that the list of rules does not explain by itself."""
WARNINGS = {
    "straightRow": "Une suite de touches du clavier se devine vite.",
    "keyPattern": "Un dessin sur le clavier se devine vite.",
    "simpleRepeat": "Un caractère répété se devine vite.",
    "extendedRepeat": "Un motif répété se devine vite.",
    "sequences": "Une suite comme abc ou 6543 se devine vite.",
    "recentYears": "Une année récente se devine vite.",
    "dates": "Une date se devine vite.",
    "topTen": "C’est l’un des mots de passe les plus utilisés.",
    "topHundred": "C’est un mot de passe très utilisé.",
    "common": "C’est un mot de passe courant.",
    "similarToCommon": "Cela ressemble à un mot de passe courant.",
    "wordByItself": "Un mot seul se devine vite.",
    "namesByThemselves": "Un nom ou un prénom se devine vite.",
    "commonNames": "Un nom ou un prénom courant se devine vite.",
    "userInputs": "Il contient ce que l’on sait de vous.",
}
SUGGESTIONS = {
    "l33t": "Remplacer des lettres par des chiffres (@ pour a) n’aide presque pas.",
    "reverseWords": "Un mot à l’envers n’aide presque pas.",
    "allUppercase": "Mettez quelques majuscules, pas toutes.",
    "capitalization": "Mettez une majuscule ailleurs qu’au début.",
    "dates": "Évitez les dates et les années qui vous concernent.",
    "recentYears": "Évitez les années récentes.",
    "associatedYears": "Évitez les années qui vous concernent.",
    "sequences": "Évitez les suites de caractères.",
    "repeated": "Évitez les répétitions.",
    "longerKeyboardPattern": "Évitez les suites de touches.",
    "anotherWord": "Ajoutez des mots moins courants.",
    "useWords": "Utilisez plusieurs mots sans rapport entre eux.",
}


def _untold(label: str, **attributes: str) -> Any:
    return StringField(
        label,
        description="Facultatif.",
        render_kw={"autocomplete": "off", "spellcheck": "false", **attributes},
        widget=dsfr.Input(sent=False),
    )


class Strength(Form):
    """Fields of the strength tester. They are never sent; a password is tested against the names too."""

    given = _untold("Prénom", **{"data-name": ""})
    surname = _untold("Nom", **{"data-name": ""})
    login = _untold("Identifiant")
    new = PasswordField(
        "Mot de passe à tester", render_kw={"autocomplete": "new-password"}, widget=dsfr.Password(new=True, sent=False)
    )


@SUBJECT.page("/motdepasse/robustesse", "/en/password/strength")
def strength() -> str:
    """The page; its fields have no name, so that no browser sends them."""
    return render_template("password/strength.html", form=Strength())


@SUBJECT.page("/motdepasse/robustesse.json", "/en/password/strength.json")
def strength_data() -> Response:
    """The data of the tester: rules, words, scripts, and its own words in the language of the page."""
    assets: Any = current_app.jinja_env.globals["asset"]
    judged = sorted(set(SENTENCE_OF.values()))
    return jsonify(
        limits=rules.limits(current_app.extensions["portal"].policy),
        sentence_of=SENTENCE_OF,
        judged=judged,
        words=WORDS,
        scripts=[assets(name) for name in SCRIPTS],
        texts={
            "valid": _("(respecté)"),
            "error": _("(à corriger)"),
            "kept": _("Règles respectées : %(kept)s sur %(all)s.", kept="%(kept)s", all="%(all)s"),
            "refused": _(REFUSED),
            "reasons": {code: forms.reason(rules.Violation(code), ("%(words)s",), quote=False) for code in REASONS},
            "quoted": _("« %(word)s »", word="%(word)s"),
            "waiting": _("Chargement…"),
            "empty": _("Tapez un mot de passe pour le savoir."),
            "levels": [_(level) for level in LEVELS],
            "warnings": {name: _(text) for name, text in WARNINGS.items()},
            "suggestions": {name: _(text) for name, text in SUGGESTIONS.items()},
        },
    )
