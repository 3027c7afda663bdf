"""« Plan du site »: the pages by section. The menus beside the pages are made of the same lists."""

from __future__ import annotations

from collections.abc import Iterable

from flask import current_app, g, render_template, request

from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.subject import Subject

SUBJECT = Subject("plan")
type Pages = list[tuple[str, str]]
"""Names of pages, with their words in the language of the page."""
type Groups = list[tuple[str, Pages, bool]]
"""The titles of groups of pages, with the pages, and whether the group is that of the page that is shown."""
ACCOUNT = (
    ("home", "Accueil"), ("activate", "Activer mon compte"), ("forgotten", "Identifiant ou mot de passe oublié"),
    ("remind", "Retrouver mon identifiant"), ("code", "Recevoir un code"), ("reset", "Choisir un nouveau mot de passe"),
    ("password", "Gérer mon mot de passe"), ("change", "Changer mon mot de passe"),
    ("strength", "Je teste la robustesse de mon mot de passe"), ("hacked", "J’ai été piraté"),
    ("diagnosis", "Diagnostiquer mon problème"),
)  # fmt: skip
OWN = (
    ("Compte et sécurité", (
        ("account", "Mon compte"), ("devices", "Ma connexion et mes appareils"), ("recovery", "Mes moyens de secours"),
        ("interface", "Mon interface"), ("journal", "Mon journal"), ("own_data", "Mes données"),
        ("diagnosis", "Diagnostic"),
    )),
    ("Courrier", (
        ("hours", "Mes horaires"), ("later", "Mes envois"), ("archiving", "Archivage"), ("tools", "Mes outils"),
        ("filtering", "Filtrage"), ("quarantine", "Quarantaine"), ("undelete", "Messages supprimés"),
        ("circulars", "Circulaires"),
    )),
    ("Agenda et réunions", (
        ("convocations", "Mes convocations"), ("slots", "Trouver un créneau"), ("meetings", "Mes réunions"),
        ("polls", "Sondages de dates"),
    )),
    ("À plusieurs", (
        ("teams", "Mes équipes"), ("charges", "Mes boîtes et listes"), ("owned", "Courrier à répondre"),
    )),
)  # fmt: skip
"""The agent's own section, in groups."""
SET_UP = (
    ("setup", "Régler mon téléphone ou mon ordinateur"), ("setup_apple", "iPhone, iPad, Mac"),
    ("setup_android", "Android"), ("setup_thunderbird", "Thunderbird"), ("setup_outlook", "Outlook"),
    ("device_add", "Ajouter un appareil"), ("factors", "Gérer mes moyens de connexion"),
)  # fmt: skip
DESK = ("Assistance", (
    ("desk", "Trouver un agent"), ("desk_list", "Listes par établissement"),
    ("desk_boxes", "Boîtes d’un établissement"), ("desk_guide", "Le guide de l’assistance"),
    ("account", "Mon compte"),
))  # fmt: skip
ABOUT = (
    ("guide", "Le guide des agents"), ("site_map", "Plan du site"), ("accessibility", "Accessibilité"),
    ("legal", "Mentions légales"), ("privacy", "Données personnelles"),
)  # fmt: skip


def pages(section: Iterable[tuple[str, str]]) -> Pages:
    """The pages of a section in the language of the page."""
    return [(name, _(words)) for name, words in section]


def groups(section: Iterable[tuple[str, Iterable[tuple[str, str]]]]) -> Groups:
    """Return the groups of a section in the language of the page.

    A page that is in none, such as one for a single team, belongs to the group with a page of its own module.
    """
    shown, views = request.endpoint or "", current_app.view_functions
    module = views[shown].__module__ if shown in views else ""
    named = [(_(title), pages(names)) for title, names in section]
    there = any(shown == name for _title, names in named for name, _words in names)

    def opened(names: Pages) -> bool:
        return any(name == shown if there else views[name].__module__ == module for name, _words in names)

    return [(title, names, opened(names)) for title, names in named]


def own_pages() -> Groups:
    """The agent's own section, for the menu beside its pages."""
    return groups(OWN)


def desk_pages() -> Groups:
    """The section of the help desk, for the menu beside its pages."""
    return groups([DESK])


@SUBJECT.page("/plan", "/en/site-map")
def site_map() -> str:
    """Each page that has an address of its own, and each page of the guide."""
    own = [one for _title, names in OWN for one in names if one[0] != "diagnosis"]
    sections = [
        (_("Votre compte"), pages(ACCOUNT), ""),
        (_("Mon espace"), pages([*own, *SET_UP]), _("Ces pages demandent une connexion.")),
        (_("Assistance"), pages(DESK[1][:-1]), _("Ces pages sont pour l’assistance.")),
        (_("À propos"), pages(ABOUT), ""),
    ]
    guide = {name: page.title for name, page in current_app.extensions["guide"].items() if name != "README"}
    return render_template("front/site_map.html", sections=sections, guide=guide, french=g.language == "fr")
