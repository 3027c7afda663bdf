"""The data held about an agent, in the agent's own terms: French names for facts, no internal names.

Only what is named here is told: a digest, a key or an attribute that the directory keeps for itself cannot slip in.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from typing import Any

from malleposte.directory.devices import Device
from malleposte.platform.times import when
from malleposte.throttle.record.model import IN, LogIn, Refusal, Seen

FACTS: Mapping[str, str] = {
    "uid": "identifiant",
    "cn": "nom complet",
    "displayName": "nom affiché",
    "sn": "nom",
    "givenName": "prénom",
    "mail": "adresse",
    "mailLocalAddress": "toutes les adresses",
    "mpLoginAlias": "autres identifiants",
    "mpProfile": "classe de service",
    "mpState": "état du compte",
    "mpStateChanged": "dans cet état depuis le",
    "mpQuota": "taille de la boîte (Mo)",
    "mpEstablishment": "établissements (UAI)",
    "mpCorps": "corps",
    "mpDiscipline": "discipline",
    "mpFunction": "fonction",
    "mpRole": "rôle sur la messagerie",
    "mpHidden": "absent de l’annuaire visible",
    "mpDelegate": "qui ouvre la boîte",
    "mpAgenda": "agenda partagé de la boîte",
    "mpOpens": "boîtes ouvertes",
    "mpReads": "boîtes lues",
    "mpReader": "qui lit la boîte",
    "mpManager": "qui gère la boîte",
    "mpTeam": "équipe créée par",
    "mpTeamEnds": "fin de l’équipe le",
    "mpTeamLink": "liens de l’équipe",
    "mpQuietHours": "heures de déconnexion",
    "mpBlockedUntil": "n’envoie rien avant le",
    "mpArchived": "archivé le",
    "mpRecoveryMail": "adresse de secours",
    "mpRecoveryPhone": "téléphone de secours",
    "mpRecoveryChanged": "moyens de secours changés le",
    "mpCharter": "charte acceptée (date, version)",
    "mpBrowserName": "noms donnés à vos navigateurs",
    "mpInaExpiry": "code d’activation valable jusqu’au",
    "pwdChangedTime": "mot de passe changé le",
}
STATES = {
    "pending": "à activer", "active": "actif", "suspended": "suspendu", "blocked": "bloqué", "expired": "expiré",
}  # fmt: skip
ACTS: Mapping[str, str] = {
    "create": "compte créé", "modify": "données modifiées", "suspend": "compte suspendu", "resume": "compte rétabli",
    "opens": "accès à une boîte partagée modifié",
    "agenda": "agenda de la boîte ouvert ou fermé",
    "box": "boîte modifiée", "list": "liste modifiée", "rename": "nom ou adresse changés",
    "move": "affectation changée",
    "profile": "classe de service changée", "quota": "taille de la boîte changée", "block": "compte bloqué",
    "blocked": "compte bloqué, sessions fermées", "unblock": "envoi rétabli", "expire": "mot de passe échu",
    "archive": "compte archivé", "archive-end": "archive supprimée",
    "purge": "compte supprimé", "export": "données remises", "code": "code demandé",
    "scramble": "ancien mot de passe annulé", "channels-closed": "sessions fermées",
    "doors-closed": "sessions fermées", "sessions-ended": "sessions fermées",
    "class-changed": "classe de service changée", "agendas-moved": "agendas et contacts déplacés",
    "filters-forgotten": "filtres d’avant oubliés",
    "undelete": "messages supprimés rétablis",
    "retract": "message dangereux retiré de la boîte", "retract-undo": "message rendu à la boîte",
    "dsi-retraction-plan": "plan d’un retrait de messages demandé", "dsi-retract": "retrait de messages demandé",
    "dsi-give-back": "remise de messages retirés demandée", "dsi-reports": "réponse à des signalements",
    "convocation-answer": "réponse à une convocation",
    "meeting-call": "réunion organisée", "meeting-off": "réunion annulée",
    "poll-ask": "sondage de dates ouvert", "poll-end": "sondage de dates terminé",
    "poll-decide": "date choisie par sondage",
    "convoke-plan": "convocation préparée", "convoke-send": "convocation envoyée",
    "convoke-remind": "rappel d’une convocation", "convoke-off": "convocation annulée",
    "release": "messages sortis de la quarantaine",
    "desk-sealed": "messages mis à l’écart consultés par l’assistance",
    "desk-unseal": "messages dangereux remis par l’assistance",
    "restore-mailbox": "boîte restaurée depuis une sauvegarde",
    "restore-folder": "dossier restauré depuis une sauvegarde",
    "restore-message": "messages restaurés depuis une sauvegarde",
    "restore-dav": "agendas ou contacts restaurés depuis une sauvegarde",
    "restore-undo": "restauration annulée",
    "hours": "horaires de la boîte changés", "later": "envoi différé", "tools": "messages signalés à un outil",
    "owners": "suivi du courrier d’une boîte",
    "archiving": "archivage changé", "archiving-undo": "messages archivés remis dans la boîte de réception",
    "senders": "filtrage des messages changé", "password": "mot de passe changé", "activate": "compte activé",
    "change": "mot de passe changé", "reset": "mot de passe renouvelé", "queue-release": "messages retenus envoyés",
    "queue-delete": "messages retenus supprimés", "refused": "demande refusée",
    "enrol": "première connexion commencée", "confirm": "code envoyé à un moyen de secours",
    "welcome": "message de bienvenue", "told": "changement annoncé", "login-sent": "identifiant demandé",
    "set_recovery": "moyens de secours changés", "device-add": "mot de passe d’appareil créé",
    "device-revoke": "mot de passe d’appareil supprimé", "device-reason": "motif d’un mot de passe d’appareil",
    "factor-code": "code demandé pour remplacer un second facteur",
    "sso-end": "connexions fermées à la page de connexion", "browser-name": "nom d’un navigateur changé",
    "new-place": "connexion depuis un nouveau lieu",
    "factor-add": "second facteur ajouté", "factor-remove": "second facteur supprimé",
    "desk-show": "fiche consultée par l’assistance",
    "desk-trace": "acheminement de vos messages consulté par l’assistance",
    "desk-mail": "code envoyé par courriel à votre adresse de secours",
    "desk-sms": "code envoyé par SMS", "desk-letter": "nouveau courrier d’activation demandé",
    "desk-aloud": "code lu au téléphone", "desk-block": "compte bloqué par l’assistance",
    "desk-factor": "second facteur perdu, supprimé par l’assistance",
    "desk-delegate": "boîte ouverte par l’assistance", "desk-undelegate": "boîte retirée par l’assistance",
    "desk-refused": "demande de l’assistance refusée",
    "recovered": "compte repris après un piratage, connexions et appareils fermés",
    "trace-removed": "réglage suspect supprimé",
    "own-data-ask": "copie de vos données demandée", "own-data": "copie de vos données préparée",
    "own-data-failed": "copie de vos données non préparée", "own-data-fetch": "copie de vos données téléchargée",
    "own-data-end": "copie de vos données supprimée",
}  # fmt: skip
_DATES = frozenset(
    (
        "mpStateChanged",
        "mpBlockedUntil",
        "mpArchived",
        "mpTeamEnds",
        "mpRecoveryChanged",
        "mpInaExpiry",
        "pwdChangedTime",
    )
)
REFUSED_LOG_INS: Mapping[str, str] = {
    "password": "mot de passe inexact", "wait": "trop d’essais, attente imposée",
    "closed": "compte fermé à cette connexion", "expired": "mot de passe échu",
    "network": "appareil refusé depuis ce réseau",
}  # fmt: skip
REFUSED_MAIL: Mapping[str, str] = {
    "virus": "virus", "wave": "envoi dangereux, refusé par la DSI",
    "attachment": "pièce jointe interdite", "forged": "expéditeur usurpé",
    "dmarc": "expéditeur non authentifié", "many": "trop de destinataires", "structure": "message trop compliqué",
    "spam": "jugé indésirable",
}  # fmt: skip
"""The reasons of a record (`throttle.record.model`) in French words."""
SILENT = frozenset(("skipped", "channels-open", "doors-open", "purge-failed", "tombstone", "devices-follow"))
"""Technical acts, which do not change the account. 0.2.0 wrote `doors-…` for `channels-…`."""


def account(attributes: Mapping[str, Sequence[str]], classes: Mapping[str, str] | None = None) -> dict[str, list[str]]:
    """An entry: facts by their French names, in the order of FACTS; what has none is left out.

    `classes`: the label of a class of service by its name.
    """
    values_of = {name.lower(): values for name, values in attributes.items()}
    pairs = ((words, _values(name, values_of.get(name.lower(), ()))) for name, words in FACTS.items())
    shown_facts = {words: values for words, values in pairs if values}
    words = FACTS["mpProfile"]
    return shown_facts | (
        {words: [(classes or {}).get(one, one) for one in shown_facts[words]]} if words in shown_facts else {}
    )


def device(one: Device) -> dict[str, str]:
    """A device, without what its password is proved by."""
    moments = {"créé le": one.made, "valable jusqu’au": one.expires, "servi pour la dernière fois le": one.used}
    facts = {"appareil": one.name, "usages": ", ".join(one.scopes), "dernière adresse": one.place}
    facts["réseaux permis"] = ", ".join(one.networks)
    facts |= {words: f"{moment.astimezone():%d/%m/%Y %H:%M}" for words, moment in moments.items() if moment}
    return {words: value for words, value in facts.items() if value}


def seen(one: Seen[LogIn] | Seen[Refusal]) -> dict[str, Any]:
    """A row of a record of log-ins or refused mail."""
    times = {
        words: f"{datetime.datetime.fromtimestamp(moment).astimezone():%d/%m/%Y %H:%M}"
        for words, moment in (("première fois", one.first), ("dernière fois", one.last))
    }
    event = one.event
    if isinstance(event, LogIn):
        facts: dict[str, Any] = {"connexion": "acceptée" if event.accepted else "refusée", "service": event.service}
        facts |= {"adresse": event.place, "logiciel": event.program}
        facts |= {"motif": "" if event.accepted else REFUSED_LOG_INS.get(event.reason, event.reason)}
    else:
        facts = {"message": "reçu" if event.way == IN else "envoyé", "correspondant": event.other}
        facts |= {"motif du refus": REFUSED_MAIL.get(event.reason, event.reason)}
    return {words: value for words, value in facts.items() if value} | times | {"fois": one.count}


def _values(name: str, values: Sequence[str]) -> list[str]:
    if name in _DATES:
        return [f"{moment.astimezone():%d/%m/%Y %H:%M}" if (moment := when(value)) else value for value in values]
    if name == "mpBrowserName":  # the time at which it was given and a digest come before it
        return [value.split(" ", 2)[-1] for value in values]
    if name == "mpState":
        return [STATES.get(value, value) for value in values]
    return ["oui" if value == "TRUE" else "non" if value == "FALSE" else value for value in values]


def act(line: Mapping[str, Any]) -> str:
    """The operation of a line of a journal, in words."""
    action, after = str(line.get("action", "")), line.get("after")
    if action == "modify" and isinstance(after, dict) and set(after) <= {"mpOpens", "mpReads"}:
        action = "opens"
    return ACTS.get(action, "autre opération")


_AS_TOLD = frozenset(("mpStateChanged", "mpRecoveryChanged", "mpInaExpiry", "pwdChangedTime", "mpState"))
"""Facts that follow from the act itself, which its words tell."""


def changed(line: Mapping[str, Any]) -> list[str]:
    """Return the facts that an act changed, in French words, in the order of FACTS; those of a new account are none."""
    before, after = line.get("before"), line.get("after")
    if line.get("action") == "create" or not isinstance(after, dict):
        return []
    old = {name.lower(): value for name, value in before.items()} if isinstance(before, dict) else {}
    new = {name.lower() for name, value in after.items() if value != old.get(name.lower())}
    return [words for name, words in FACTS.items() if name.lower() in new and name not in _AS_TOLD]


def line(raw: str) -> str:
    """A line of a journal for its subject; empty for one of the machinery. Raises ValueError on what is no line.

    Who acted is somebody else's data, and addresses of networks are the operators': neither is told.
    """
    parsed = json.loads(raw)
    if parsed.get("action") in SILENT:
        return ""
    row: dict[str, Any] = {"date": parsed.get("time", ""), "opération": act(parsed)}
    for key, words in (("before", "avant"), ("after", "après")):
        shown = parsed.get(key)
        facts = account(shown) if isinstance(shown, dict) else {}
        row |= {words: facts} if facts else {}
    row |= {words: parsed[key] for key, words in (("name", "nom"), ("note", "motif")) if parsed.get(key)}
    row |= {"messages retenus": len(parsed["held"])} if isinstance(parsed.get("held"), list) and parsed["held"] else {}
    return json.dumps(row, ensure_ascii=False) + "\n"
