"""The columns of a feed: by the names that HR systems use, or by a mapping that the operator gives."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from malleposte.accounts.feed.values import shown
from malleposte.core.errors import InputError
from malleposte.policy.rules import fold

AGENT = "agents"
SCHOOL = "etablissements"
LIST = "listes"
ROOM = "ressources"
# The names are compared without accents, case, spaces and signs.
NAMES: dict[str, tuple[str, ...]] = {
    "numen": ("numen", "identifiant national", "code numen"),
    "nom": ("nom", "nom usuel", "nom d'usage", "nom usage", "nom de famille", "patronyme", "nom patronymique"),
    "prenom": ("prenom", "prenoms", "prenom usuel", "prenom d'usage"),
    "uai": ("uai", "rne", "code uai", "code rne", "uai affectation", "rne affectation", "etablissement", "uai etab"),
    "corps": ("corps", "code corps", "libelle corps", "grade"),
    "discipline": ("discipline", "matiere", "discipline de poste", "libelle discipline"),
    "fonction": ("fonction", "emploi", "libelle fonction", "code fonction"),
    "profil": ("profil", "classe", "classe de service", "interface", "messagerie"),
    "mel_secours": ("mel de secours", "mel secours", "mel personnel", "mel perso", "courriel personnel",
                    "courriel de secours", "email personnel", "adresse personnelle", "adresse de secours",
                    "mail perso"),
    "tel_secours": ("telephone", "tel", "portable", "mobile", "telephone portable", "telephone mobile", "tel portable",
                    "telephone de secours", "tel secours", "tel perso", "telephone personnel"),
    "debut": ("date de debut", "date debut", "date d'affectation", "date affectation", "date de prise de fonction",
              "date d'arrivee", "debut"),
    "fin": ("date de fin", "date fin", "date de depart", "date depart", "fin"),
    "denomination": ("denomination", "libelle etablissement", "nom etablissement", "nom de l'etablissement",
                     "appellation", "appellation officielle", "libelle"),
    "commune": ("commune", "ville", "localite", "libelle commune"),
    "code_postal": ("code postal", "cp"),
    "departement": ("departement", "code departement", "dept"),
    "agenda": ("agenda", "agenda partage", "agenda de la boite"),
    "liste": ("liste", "nom de la liste", "nom de liste", "liste de diffusion", "adresse de la liste"),
    "intitule": ("intitule", "titre", "titre de la liste"),
    "regle": ("regle", "regles", "critere", "criteres"),
    "membres": ("membres", "abonnes"),
    "emetteurs": ("emetteurs", "expediteurs", "qui peut ecrire"),
    "moderateurs": ("moderateurs", "moderateur"),
    "responsables": ("responsables", "responsable", "proprietaires"),
    "taille": ("taille", "taille maximale", "taille max", "taille ko"),
    "debit": ("debit", "destinataires par minute"),
    "masquee": ("masquee", "cachee"),
    "ressource": ("ressource", "nom de la ressource", "adresse de la ressource"),
    "type": ("type de ressource", "type", "salle ou materiel"),
    "reservations": ("reservations", "reservations simultanees", "nombre de reservations"),
    "reservable": ("reservable par", "reservable", "qui peut reserver"),
}  # fmt: skip
MOST = 500
"""Columns of a feed. HR systems send a few dozen."""
NEEDED = {AGENT: ("numen", "nom", "prenom"), SCHOOL: ("uai", "denomination"), LIST: ("liste",), ROOM: ("ressource",)}


def bare(text: str) -> str:
    """Return a title without accents, case, spaces and signs."""
    return re.sub(r"[^a-z0-9]+", "", fold(text))


_KNOWN = {bare(spelling): key for key, spellings in NAMES.items() for spelling in spellings}


@dataclass(frozen=True)
class Columns:
    """The kind of a feed, and the place of each known column in it."""

    kind: str
    places: Mapping[str, int]
    ignored: tuple[str, ...]
    titles: Mapping[str, str] = field(default_factory=dict)

    def cell(self, cells: tuple[str, ...], key: str) -> str:
        """A row's cell, without blanks around; empty when the row or the file has none."""
        place = self.places.get(key)
        return cells[place].strip() if place is not None and place < len(cells) else ""

    def row(self, cells: tuple[str, ...]) -> dict[str, str]:
        """A row's known cells, by key."""
        return {key: self.cell(cells, key) for key in self.places}


def read_mapping(path: Path) -> dict[str, str]:
    """A mapping file (YAML): a known key to the name of the file's own column. Raises InputError with every fault."""
    import yaml  # of the directory's host; all others load this module too

    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path}: not a mapping of columns ({str(error).splitlines()[0]})") from error
    if not isinstance(document, dict):
        raise InputError(f"{path}: not a mapping of columns", "write lines such as `numen: Identifiant`")
    faults: list[str] = []
    for key, title in document.items():
        near = difflib.get_close_matches(str(key), NAMES, 1)
        if key not in NAMES:
            faults.append(f"{key} is no known column" + (f" ({near[0]}?)" if near else ""))
        elif not isinstance(title, str | int) or not bare(str(title)):
            faults.append(f"{key} wants the title of a column")
    if faults:
        raise InputError(f"{path}: {'; '.join(faults)}", f"known columns: {', '.join(NAMES)}")
    return {str(key): str(value) for key, value in document.items()}


def recognise(header: tuple[str, ...], name: str, mapping: Mapping[str, str] | None = None) -> Columns:
    """The columns of a header. Raises InputError with every column that is missing or comes twice."""
    if len(header) > MOST:
        raise InputError(f"{name}:1: {len(header)} columns, {MOST} at most")
    mapped = {bare(own): key for key, own in (mapping or {}).items()}
    places: dict[str, int] = {}
    ignored: list[str] = []
    faults: list[str] = []
    for place, title in enumerate(header):
        key = mapped.get(bare(title)) or _KNOWN.get(bare(title))
        if key is None or (key in (mapping or {}) and bare(title) not in mapped):
            ignored.append(title)
        elif key in places:
            faults.append(f"columns « {shown(header[places[key]])} » and « {shown(title)} » are both {key}")
        else:
            places[key] = place
    own = mapping or {}
    faults += [f"no column « {shown(title)} » for {key}" for key, title in own.items() if key not in places]
    kind = _kind(places)
    faults += [f"no column for {key}" for key in NEEDED[kind] if key not in places and key not in own]
    if faults:
        raise InputError(
            f"{name}:1: {'; '.join(faults)}", f"columns: {_shown(header)}; name what is meant with --columns"
        )
    return Columns(kind, places, tuple(ignored), {key: shown(header[place]) for key, place in places.items()})


def _kind(places: Mapping[str, int]) -> str:
    """The kind of a file, by its columns; a file without a telling column is taken for agents."""
    if "numen" in places:
        return AGENT
    telling = {"denomination": SCHOOL, "liste": LIST, "ressource": ROOM}
    return next((kind for key, kind in telling.items() if key in places), AGENT)


def _shown(header: tuple[str, ...]) -> str:
    return ", ".join(shown(title) for title in header[:20]) or "none"
