"""« Diagnostiquer mon problème » for an agent who is logged in: what is wrong with the account, each with what to do.

accountd says the facts (`Account`, `Diagnosis`); the words are here.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from malleposte.accountd.calls.account import Diagnose, Diagnosed
from malleposte.accountd.own import COMPUTED, Account, Diagnosis, LogIn, RefusedMail

from malleposte_portal.core import acts, words
from malleposte_portal.core.answers import Answer
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.languages import translate_number
from malleposte_portal.core.subject import Subject
from malleposte_portal.front import services
from malleposte_portal.log_in import sign_on
from malleposte_portal.log_in.as_agent import ask, for_agent

SUBJECT = Subject("diagnosis")
SOON_DAYS = 30
"""Days before its end from which a password is said to end soon."""
NEARLY = 0.9
"""The part of its quota from which a box is nearly full."""
LATELY = timedelta(days=7)
SHOWN = 10
"""Rows of each list on the page."""
SERVICES = {
    "page": "page de connexion", "imap": "courriel (IMAP)", "smtp": "envoi de messages (SMTP)",
    "sieve": "réglage des filtres", "dav": "agenda et contacts",
}  # fmt: skip
REFUSED_LOG_INS = {
    "password": "mot de passe inexact", "wait": "trop d’essais, attente imposée",
    "closed": "connexion fermée à ce compte par ce moyen", "expired": "mot de passe expiré",
    "network": "cet appareil n’ouvre pas la messagerie depuis ce réseau",
}  # fmt: skip
REFUSED_MAIL = {
    ("in", "virus"): (
        "Il contenait un virus.", "Prévenez l’expéditeur par un autre moyen : son ordinateur est peut-être infecté.",
    ),
    ("in", "wave"): (
        "Il fait partie d’un envoi dangereux que la DSI a arrêté.", "N’en attendez pas d’autre, et n’y répondez pas.",
    ),
    ("in", "attachment"): (
        "Une pièce jointe est d’un type interdit, car elle peut contenir un programme.",
        "Demandez à l’expéditeur de l’envoyer autrement, par un lien de dépôt par exemple.",
    ),
    ("in", "forged"): (
        "Il se présentait comme venant de l’académie, sans en venir.",
        "Si vous l’attendiez, dites à l’expéditeur d’écrire depuis sa messagerie académique.",
    ),
    ("in", "dmarc"): (
        "Le domaine de l’expéditeur dit que ce message ne vient pas de lui.",
        "Si vous l’attendiez, l’expéditeur doit voir avec son service informatique.",
    ),
    ("in", "structure"): (
        "Il est construit d’une façon qu’aucun logiciel courant n’emploie.",
        "Demandez à l’expéditeur de l’écrire à nouveau, plus simplement.",
    ),
    ("in", "spam"): (
        "Il a été jugé indésirable.",
        "Si vous l’attendiez, donnez l’adresse de l’expéditeur et l’heure à l’assistance.",
    ),
    ("out", "virus"): ("Il contenait un virus.", "Faites analyser votre ordinateur, puis appelez l’assistance."),
    ("out", "wave"): (
        "Il fait partie d’un envoi dangereux que la DSI a arrêté.",
        "Vous ne l’avez pas écrit ? Changez votre mot de passe maintenant, puis appelez l’assistance.",
    ),
    ("out", "attachment"): (
        "Une pièce jointe est d’un type interdit, car elle peut contenir un programme.",
        "Envoyez-la autrement, par un lien de dépôt par exemple.",
    ),
    ("out", "forged"): (
        "L’adresse d’expéditeur n’est pas une des vôtres.",
        "Dans les réglages du logiciel, choisissez votre adresse académique.",
    ),
    ("out", "many"): (
        "Vous avez écrit à trop de destinataires en peu de temps : le message est retenu, il n’est pas perdu.",
        "Appelez l’assistance. Pour écrire à beaucoup de personnes, une liste de diffusion convient mieux.",
    ),
    ("out", "structure"): (
        "Il est construit d’une façon qu’aucun logiciel courant n’emploie.",
        "Écrivez-le à nouveau, plus simplement, ou depuis la messagerie.",
    ),
    ("out", "spam"): ("Il a été jugé indésirable.", "Écrivez-le autrement, ou appelez l’assistance."),
}  # fmt: skip
"""The reason why a message was refused, and what to do, by its way and accountd's word."""


@dataclass(frozen=True)
class Finding:
    """A fault: the `kind` of alert, title, meaning, remedy; the page of the remedy with the words of its link."""

    kind: str
    title: str
    text: str
    todo: str
    page: str = ""
    words: str = ""


@SUBJECT.page("/diagnostic", "/en/diagnosis")
def diagnosis() -> Answer:
    """The page: without log-in what holds for everybody, with log-in also what is wrong with the account."""
    return _own() if sign_on.agent() is not None else services.diagnosis()


@for_agent
def _own(agent: sign_on.Agent) -> Answer:
    answer = ask(agent, Diagnose)
    if isinstance(answer, acts.Refusal):
        return services.diagnosis(sentence=answer.page)
    wrong = list(findings(answer, words.now()))
    return services.diagnosis(findings=wrong, account=answer.account, **record(answer.diagnosis))


def record(diagnosis: Diagnosis) -> dict[str, Any]:
    """The content of `own/record.html`, and its words."""
    logins = {kind: [one for one in diagnosis.logins if one.accepted is kind][:SHOWN] for kind in (False, True)}
    return {
        "refused": logins[False], "accepted": logins[True], "mail": diagnosis.refused[:SHOWN],
        "moment": words.moment, "by": by, "at": at, "why": why, "mail_why": mail_why,
    }  # fmt: skip


def full(diagnosis: Diagnosis) -> bool:
    """Whether the box takes nothing more."""
    return 0 < diagnosis.quota_mb <= diagnosis.used_mb


def findings(done: Diagnosed, now: datetime) -> Iterator[Finding]:
    """The faults, the worst first."""
    yield from _of_account(done.account, now)
    yield from _of_box(done)
    yield from _of_agendas(done.diagnosis)
    yield from _of_filters(done.account)
    yield from _of_log_ins(done, now)
    yield from _of_mail(done.diagnosis, now)
    if not (done.diagnosis.looked and done.account.looked):
        yield Finding(
            "info", _("Une partie n’a pas pu être vérifiée"), _("Un serveur n’a pas répondu."),
            _("Revenez dans quelques minutes."),
        )  # fmt: skip


def _of_account(account: Account, now: datetime) -> Iterator[Finding]:
    if account.blocked_until:
        yield Finding(
            "error", _("Votre compte n’envoie rien pour le moment"),
            _(
                "Après un incident, l’envoi reste fermé jusqu’au %(moment)s.",
                moment=words.moment(account.blocked_until),
            ),
            _("Attendez cette date, ou appelez l’assistance."),
        )  # fmt: skip
    days = words.days_left(account.password_until, now)
    if days is not None and days <= SOON_DAYS:
        yield Finding(
            "warning", _("Votre mot de passe arrive à échéance"),
            _("Il vaut jusqu’au %(day)s. Ensuite il n’ouvre plus rien.", day=words.day(account.password_until)),
            _("Changez-le avant, puis tapez le nouveau sur vos appareils."), "change", _("Changer mon mot de passe"),
        )  # fmt: skip


def _of_box(done: Diagnosed) -> Iterator[Finding]:
    used, quota = done.diagnosis.used_mb, done.diagnosis.quota_mb
    if not quota or used < NEARLY * quota:
        return
    text = _("Elle contient %(used)d Mo, sur %(quota)d Mo.", used=used, quota=quota)
    todo = _("Videz la corbeille, supprimez de gros messages anciens.")
    if full(done.diagnosis):
        refused = _("Les nouveaux messages attendent chez leurs expéditeurs, puis leur sont rendus.")
        yield Finding("error", _("Votre boîte est pleine"), f"{text} {refused}", todo)
    else:
        yield Finding("warning", _("Votre boîte est presque pleine"), text, todo)


def _of_agendas(diagnosis: Diagnosis) -> Iterator[Finding]:
    used, room = diagnosis.agendas_mb, diagnosis.agendas_room_mb
    if not room or used < NEARLY * room:
        return
    text = _("Vos agendas et vos contacts prennent %(used)d Mo, sur %(room)d Mo.", used=used, room=room)
    todo = _("Supprimez d’anciens rendez-vous, surtout ceux qui ont des pièces jointes.")
    # The last MB has no room for an event of its size.
    if used >= room - 1:
        refused = _("Un nouveau rendez-vous ou contact n’est plus enregistré, sur vos appareils non plus.")
        yield Finding("error", _("Votre agenda est plein"), f"{text} {refused}", todo)
    else:
        yield Finding("warning", _("Votre agenda est presque plein"), text, todo)


def _of_filters(account: Account) -> Iterator[Finding]:
    ours = current_app.extensions["portal"]
    outside = [one for one in account.forwards if one != COMPUTED and not one.lower().endswith(f"@{ours.domain}")]
    refused = outside if ours.forward_outside == "refused" else []
    if refused:
        yield Finding(
            "warning", _("Un renvoi vers l’extérieur est refusé"),
            _(
                "L’académie ne laisse pas partir de renvoi automatique vers : %(addresses)s. Ces messages restent dans"
                " votre boîte.",
                addresses=words.forwards(refused),
            ),
            _(
                "Retirez ce renvoi dans la messagerie. Ce n’est pas vous qui l’avez mis ? Changez votre mot de passe et"
                " appelez l’assistance."
            ),
        )  # fmt: skip
    elif outside and ours.forward_outside == "discouraged":
        yield Finding(
            "info", _("Un renvoi ne suit pas la règle de l’académie"),
            _(
                "L’académie demande de ne pas renvoyer automatiquement ses messages à l’extérieur, comme ici vers :"
                " %(addresses)s.",
                addresses=words.forwards(outside),
            ),
            _("Retirez ce renvoi dans la messagerie, ou choisissez une adresse de l’académie."),
        )  # fmt: skip
    if leave := [one for one in account.forwards if one not in refused]:
        yield Finding(
            "warning", _("Un filtre envoie vos messages ailleurs"),
            _("Ils partent vers : %(addresses)s.", addresses=words.forwards(leave)),
            _(
                "C’est vous qui l’avez voulu ? Rien à faire. Sinon, changez votre mot de passe, retirez le filtre dans"
                " la messagerie et appelez l’assistance."
            ),
        )  # fmt: skip
    if account.discards:
        yield Finding(
            "warning", _("Un filtre supprime ou refuse des messages"),
            _("Des messages qu’on vous envoie n’arrivent jamais dans votre boîte."),
            _("Regardez vos filtres dans la messagerie, et retirez cette règle si elle ne convient pas."),
        )  # fmt: skip


def _of_log_ins(done: Diagnosed, now: datetime) -> Iterator[Finding]:
    refused = [one for one in done.diagnosis.logins if not one.accepted]
    for one in refused:
        if one.old:
            yield Finding(
                "warning", _("Un appareil garde sans doute votre ancien mot de passe"),
                _("%(what)s, depuis %(place)s : mot de passe refusé, la dernière fois le %(moment)s.",
                  what=by(one), place=at(one.place), moment=words.moment(one.time)),
                _(
                    "Tapez le nouveau mot de passe dans ses réglages. Si ce n’est pas un de vos appareils, appelez"
                    " l’assistance."
                ),
                "devices", _("Ma connexion et mes appareils"),
            )  # fmt: skip
    others = sum(one.count for one in refused if not one.old and _late(one.time, now))
    if others:
        yield Finding(
            "info",
            translate_number(
                "%(number)d connexion refusée ces sept derniers jours",
                "%(number)d connexions refusées ces sept derniers jours",
                others,
            ),
            _("Le détail est plus bas."),
            _(
                "C’était vous, en vous trompant de mot de passe ? Rien à faire. Ce n’était pas vous ? Personne n’est"
                " entré ainsi ; si cela continue, changez votre mot de passe."
            ),
            "change", _("Changer mon mot de passe"),
        )  # fmt: skip


def _of_mail(diagnosis: Diagnosis, now: datetime) -> Iterator[Finding]:
    count = sum(one.count for one in diagnosis.refused if _late(one.time, now))
    if count:
        yield Finding(
            "info",
            translate_number(
                "%(number)d message refusé ces sept derniers jours",
                "%(number)d messages refusés ces sept derniers jours",
                count,
            ),
            _("Le détail est plus bas."), _("Lisez la raison de chacun et ce que vous pouvez faire."),
        )  # fmt: skip


def _late(time: str, now: datetime) -> bool:
    moment = words.read(time)
    return moment is not None and now - moment < LATELY


def by(one: LogIn) -> str:
    """The program or device of a log-in, and the service."""
    service = _(SERVICES[one.service]) if one.service in SERVICES else one.service
    name = one.device or (_("la messagerie") if one.program == "webmail" else one.program)
    if not name:
        return service[:1].upper() + service[1:]
    return _("%(name)s, %(service)s", name=name[:1].upper() + name[1:], service=service)


def at(place: str) -> str:
    """The place of a log-in: its address, and whether the page is read from there or it is one of the academy's."""
    if not place:
        return _("une adresse inconnue")
    if place == acts.source():
        return _("%(address)s (l’adresse où vous êtes)", address=place)
    try:
        here = ipaddress.ip_address(place)
    except ValueError:
        return place
    networks = current_app.extensions["portal"].school_networks
    if any(here in ipaddress.ip_network(one, strict=False) for one in networks):
        return _("%(address)s (le réseau de l’académie)", address=place)
    return place


def why(one: LogIn) -> str:
    """The reason of a refused log-in."""
    return _(REFUSED_LOG_INS[one.reason]) if one.reason in REFUSED_LOG_INS else one.reason


def mail_why(one: RefusedMail) -> tuple[str, str]:
    """The reason of a refused message, and what to do."""
    reason, todo = REFUSED_MAIL.get((one.way, one.reason), REFUSED_MAIL[one.way if one.way == "out" else "in", "spam"])
    return _(reason), _(todo)
