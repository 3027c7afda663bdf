"""« Mes horaires »: the times at which mail comes to the inbox, « Ne pas déranger », who always comes through, and
« Rappeler plus tard ».

accountd keeps the hours on the host of the mailbox and judges them; what an agent can mistype is told here, in words.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from functools import partial
from typing import Any

from flask import render_template, request, session
from malleposte.accountd.calls.mailbox.hours import AgentHours, SetHours, ShowHours
from malleposte.accountd.message import MOST_ITEMS, Done
from wtforms import BooleanField, RadioField, StringField
from wtforms.validators import AnyOf, InputRequired, Length

from malleposte_portal import dsfr
from malleposte_portal.core import acts, words
from malleposte_portal.core.answers import Answer, back_to
from malleposte_portal.core.forms import TOO_LONG, Form, ticked
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.subject import Subject
from malleposte_portal.log_in import sign_on
from malleposte_portal.log_in.as_agent import answered, ask, for_agent
from malleposte_portal.own.senders import LONGEST_SENDER

SUBJECT = Subject("hours")
DAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
ROWS, ROUNDS, TERMS = 3, 3, 2
"""Slots, times of a day and school holidays that the page has room for."""
MORNING = datetime.time(8)
SPANS = {
    "1h": "Pendant 1 heure", "4h": "Pendant 4 heures", "tomorrow": "Jusqu’à demain, 8 h",
    "monday": "Jusqu’à lundi, 8 h",
}  # fmt: skip
UNFIT = (
    "Ce n’est ni une adresse (nom@exemple.fr) ni un domaine (exemple.fr), ou la liste est pleine : "
    "50 expéditeurs au plus."
)
REFUSED = "Ces horaires ne conviennent pas. Vérifiez les jours et les heures."


def time_field(label: str) -> Any:
    """Return the field for a time of a day."""
    return StringField(label, filters=[lambda value: value.strip() if value else ""], widget=dsfr.Input(kind="time"))


class Times(Form):
    """The slots, and whether mail comes as it arrives or at some times of a day."""

    begin1, end1 = time_field("De"), time_field("À")
    begin2, end2 = time_field("De"), time_field("À")
    begin3, end3 = time_field("De"), time_field("À")
    pace = RadioField(
        "Pendant ces plages, remettre mes messages",
        choices=[
            ("flow", "Au fil de l’eau, dès leur arrivée"),
            ("rounds", "Une à trois fois par jour, aux heures choisies ci-dessous"),
        ],
        default="flow",
        validate_choice=False,
        validators=[AnyOf(("flow", "rounds"), "Choisissez comment vos messages sont remis.")],
        widget=dsfr.Radios(),
    )
    round1, round2, round3 = (
        time_field("Première remise"),
        time_field("Deuxième remise"),
        time_field("Troisième remise"),
    )
    holidays = BooleanField("Les jours fériés aussi, mes messages attendent", widget=dsfr.Checkbox())

    school = BooleanField("Pendant les vacances scolaires aussi, mes messages attendent", widget=dsfr.Checkbox())

    answer = BooleanField(
        "Répondre à mes collègues quand leur message attend",
        description="Ils apprennent quand vous lisez vos messages, une fois tous les trois jours. "
        "Les personnes extérieures à l’académie ne reçoivent aucune réponse.",
        widget=dsfr.Checkbox(),
    )

    def slots(self) -> tuple[str, ...]:
        """The slots as accountd takes them; what is missing or the wrong way round becomes an error of its field."""
        slots = []
        for row in range(1, ROWS + 1):
            days = "".join(one for one in "1234567" if one in request.form.getlist(f"days{row}"))
            begin, end = self.typed(f"begin{row}"), self.typed(f"end{row}")
            if not (days or begin or end):
                continue
            end = "24:00" if end == "00:00" else end
            if not days:
                self.refuse(f"begin{row}", [_("Cochez les jours de cette plage.")])
            elif not begin:
                self.refuse(f"begin{row}", [_("Indiquez une heure.")])
            elif not end:
                self.refuse(f"end{row}", [_("Indiquez une heure.")])
            elif begin >= end:
                self.refuse(f"end{row}", [_("Une plage finit après son début. Pour une nuit, faites deux plages.")])
            else:
                slots.append(f"{days} {begin}-{end}")
        if not slots and not self.wrong:
            self.refuse("begin1", [_("Donnez au moins une plage.")])
        return tuple(slots)

    def rounds(self) -> tuple[str, ...]:
        """The times of a day, none where mail comes as it arrives."""
        if self.typed("pace") == "flow":
            return ()
        times = tuple(one for number in range(1, ROUNDS + 1) if (one := self.typed(f"round{number}")))
        if not times:
            self.refuse("round1", [_("Indiquez une heure.")])
        return times

    @property
    def wrong(self) -> bool:
        """Whether a field has an error."""
        return any(field.errors for field in self)

    def fill(self, hours: AgentHours) -> None:
        """Show what is kept; where nothing is, an ordinary week."""
        data: dict[str, Any] = {"pace": "rounds" if hours.rounds else "flow", "holidays": hours.holidays}
        data |= {"school": hours.school, "answer": hours.answer}
        for row, slot in enumerate(hours.slots[:ROWS] or ("12345 08:00-18:00",), 1):
            begin, _dash, end = slot.partition(" ")[2].partition("-")
            data |= {f"begin{row}": begin, f"end{row}": "00:00" if end == "24:00" else end}
        data |= {f"round{number}": one for number, one in enumerate(hours.rounds[:ROUNDS], 1)}
        self.process(data=data)


class AddSender(Form):
    """A sender who always comes through. accountd judges the address."""

    value = StringField(
        "Adresse ou domaine",
        description="Par exemple nom@exemple.fr, ou exemple.fr pour tout un domaine.",
        filters=[lambda value: value.strip() if value else value],
        validators=[InputRequired("Indiquez une adresse ou un domaine."), Length(max=LONGEST_SENDER, message=TOO_LONG)],
        render_kw={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"},
        widget=dsfr.Input(),
    )


def until(span: str, now: datetime.datetime) -> str:
    """The end of a « Ne pas déranger » of a span (a key of SPANS) that begins now; empty for no such span."""
    if span.endswith("h") and span in SPANS:
        # By the clock on the wall: an hour that comes twice or not at all does not matter here.
        end = now.replace(tzinfo=None) + datetime.timedelta(hours=int(span[:-1]))
        return end.isoformat(timespec="minutes")
    days = {"tomorrow": 1, "monday": 7 - now.weekday()}.get(span)
    if days is None:
        return ""
    return datetime.datetime.combine(now.date() + datetime.timedelta(days=days), MORNING).isoformat(timespec="minutes")


def holidays(terms: Sequence[str]) -> str:
    """Return the next school holidays in words, such as « du 19 décembre 2026 au 3 janvier 2027 »; empty for none."""
    return ", ".join(words.span(*one.split("/")) for one in terms[:TERMS])


def here(moment: str) -> str:
    """A moment of the platform's zone in words; empty for none."""
    return words.moment(datetime.datetime.fromisoformat(moment).astimezone().isoformat()) if moment else ""


def _send(agent: sign_on.Agent, act: str, times: Times, add: AddSender) -> Done | acts.Refusal | None:
    """Have accountd do what a form asks; None where the form is not filled in rightly."""
    changes: dict[str, Any]
    if act == "times" and times.validate():
        slots, rounds = times.slots(), times.rounds()
        if times.wrong:
            return None
        changes = {
            "on": True, "slots": slots, "rounds": rounds, "holidays": bool(times["holidays"].data),
            "school": bool(times["school"].data), "answer": bool(times["answer"].data),
        }  # fmt: skip
    elif act == "off":
        changes = {"on": False, "quiet_until": ""}
    elif act in ("recall", "no-recall"):
        changes = {"recall": act == "recall"}
    elif act == "noisy":
        changes = {"quiet_until": ""}
    elif act == "quiet" and (end := until(request.form.get("span", ""), words.now())):
        changes = {"quiet_until": end}
    elif act == "add" and add.validate():
        changes = {"add": (add.typed("value"),)}
    elif act == "remove" and (senders := ticked("sender", MOST_ITEMS)):
        changes = {"remove": senders}
    else:
        return None
    return ask(agent, partial(SetHours, **changes), refused=_(UNFIT if act == "add" else REFUSED))


@SUBJECT.form("/compte/horaires", "/en/account/hours")
@for_agent
def hours(agent: sign_on.Agent) -> Answer:
    """The page with its forms; each answers by the page, so that a reload sends nothing again."""
    act = request.form.get("act", "") if request.method == "POST" else ""
    times = Times(formdata=request.form if act == "times" else None)
    add = AddSender(formdata=request.form if act == "add" else None)
    done = _send(agent, act, times, add) if act else None
    if isinstance(done, Done):
        return back_to("hours", f"hours {act}")
    refused, status = ("", 422 if act else 200) if done is None else (done.page, done.status)
    if refused and act == "add":
        add.refuse("value", [refused])
        refused = ""
    answer = answered(agent, ShowHours)
    boxes = {row: request.form.getlist(f"days{row}") for row in range(1, ROWS + 1)}
    if act != "times":
        times.fill(answer)
        slots = answer.slots[:ROWS] or ("12345 08:00-18:00",)
        boxes = {row: list(slot.partition(" ")[0]) for row, slot in enumerate(slots, 1)}
    return render_template(
        "own/hours.html", times=times, add=add, answer=answer, refused=refused, ticked=boxes,
        notice=str(session.pop("told", "")), here=here, holidays=holidays(answer.known), spans=SPANS, days=DAYS,
        rows=range(1, ROWS + 1), rounds=range(1, ROUNDS + 1),
        quiet=answer.quiet_until > words.now().strftime("%Y-%m-%dT%H:%M"),
    ), status  # fmt: skip
