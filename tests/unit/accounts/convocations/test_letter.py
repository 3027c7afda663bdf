"""Letters, the order as PDF and the report: what each agent and the office get."""

from __future__ import annotations

import csv
import io
from email import message_from_bytes, policy
from typing import Any

import msgspec
import pypdf
import pytest
from malleposte.accounts.convocations import itip, letter, report
from malleposte.accounts.convocations.model import Answer, Convocation, Event, Invitee, OrderText, Person, Way
from malleposte.accounts.convocations.paper import Printer

from .office import DOMAIN, EVENT, FACTS, NOW, convocation


@pytest.fixture(scope="module")
def printer() -> Printer:
    return Printer("académie d’Exemple", OrderText(signature="Le recteur,\nM. Exemple"))


def composed(one: Convocation, invitee: Invitee, order: bytes = b"%PDF-1") -> Any:
    made = letter.compose(one, invitee, itip.request(one, invitee, NOW), order, FACTS, NOW)
    return message_from_bytes(bytes(made), policy=policy.default)


def words(pdf: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages).split())


def test_an_invitation_has_the_text_the_calendar_and_the_order() -> None:
    one = convocation("anne")
    made = composed(one, one.invitees[0])
    assert (made["From"], made["To"]) == (f"Division des examens <dec@{DOMAIN}>", f"Agent Anne <anne@{DOMAIN}>")
    assert made["Subject"] == "Convocation\u00a0: Jury du baccalauréat"
    assert made["Auto-Submitted"] == "auto-generated", "nobody's absence answers it"
    mixed = [part.get_content_type() for part in made.walk()]
    assert mixed == ["multipart/mixed", "multipart/alternative", "text/plain", "text/calendar", "application/pdf"]
    text, calendar, order = (part for part in made.walk() if not part.is_multipart())
    assert calendar.get_param("method") == "REQUEST" and calendar.get_content_charset() == "utf-8"
    assert f"UID:{one.event_id(one.invitees[0])}" in calendar.get_content()
    assert order.get_filename() == letter.FILE and order.get_content() == b"%PDF-1"
    body = text.get_content()
    for part in ("vous convoque", EVENT.place, EVENT.text, "le lundi 15 juin 2026, de 8\u00a0h à 12\u00a0h",
                 "déjà dans votre agenda", f"https://pia.{DOMAIN}/compte/convocations",
                 "asks you to come"):  # fmt: skip
        assert part in body, part


def test_kinds_of_letters_and_their_message_ids() -> None:
    one = convocation("anne")
    (anne,) = one.invitees
    kinds, idents = list[str](), list[str]()

    def note() -> None:
        kinds.append(letter.kind_of(anne))
        idents.append(letter.message_id(one, anne))
        assert letter.message_id(one, anne) == idents[-1], "tried again, it is the same"
        anne.mailed = anne.sequence

    note()
    anne.remind = True
    note()
    anne.reminders = 1
    note()
    anne.change(msgspec.structs.replace(EVENT, place="Salle 4"))
    note()
    anne.call_off()
    note()
    assert kinds == ["new", "reminder", "reminder", "changed", "off"]
    assert len(set(idents)) == 5
    made = composed(one, anne)
    assert (
        "annulée" in made["Subject"]
        and [part for part in made.walk() if part.get_content_type() == "application/pdf"] == []
    )
    (calendar,) = (part for part in made.walk() if part.get_content_type() == "text/calendar")
    assert calendar.get_param("method") == "CANCEL"


def test_outside_no_agenda_and_no_page_is_named() -> None:
    one = convocation("anne")
    (anne,) = one.invitees
    anne.person = Person("ami@lointain.example", "", "ami@lointain.example")
    text = next(part for part in composed(one, anne).walk() if part.get_content_type() == "text/plain").get_content()
    assert "agenda" not in text and "/compte/" not in text and f"écrivez à dec@{DOMAIN}" in text


@pytest.mark.parametrize("title", ["Jury <b>x</b> {office} {0}", "Été\u00a0; « x »", "x" * 200])
def test_markup_and_braces_in_words_stay_words(title: str, printer: Printer) -> None:
    event = msgspec.structs.replace(EVENT, title=title, text="{name} <script>")
    one = convocation("anne", event=event)
    one.title = "Division {mail}"
    made = composed(one, one.invitees[0], printer.order(one, one.invitees[0], NOW.date()))
    text = next(part for part in made.walk() if part.get_content_type() == "text/plain").get_content()
    assert title in text and "{name} <script>" in text and "Division {mail}" in text
    assert not any(sign in made["Subject"] for sign in "\r\n")


def test_a_bad_address_is_said() -> None:
    one = convocation("anne")
    one.invitees[0].person = Person("pas une adresse", "anne", "x")
    with pytest.raises(ValueError, match=r"no address|no domain"):
        composed(one, one.invitees[0])


@pytest.mark.parametrize(
    ("event", "french", "english"),
    [
        (Event("T", "2026-06-15", "2026-06-15"), "le lundi 15 juin 2026", "on Monday 15 June 2026"),
        (Event("T", "2026-06-15", "2026-06-16"), "du lundi 15 juin 2026 au mardi 16 juin 2026",
         "from Monday 15 June 2026 to Tuesday 16 June 2026"),
        (Event("T", "2026-06-15T08:00", "2026-06-16T17:30"),
         "du lundi 15 juin 2026 à 8\u00a0h au mardi 16 juin 2026 à 17\u00a0h\u00a030",
         "from Monday 15 June 2026, 08:00, to Tuesday 16 June 2026, 17:30"),
    ],
)  # fmt: skip
def test_times_are_said_in_words(event: Event, french: str, english: str) -> None:
    assert (letter.spoken(event), letter.spoken(event, french=False)) == (french, english)


def test_the_order_is_printed_by_the_academy_s_template(printer: Printer) -> None:
    one = convocation("anne")
    text = words(printer.order(one, one.invitees[0], NOW.date()))
    for part in ("Ordre de mission", "Académie d’Exemple", "Agent Anne", EVENT.title, EVENT.place, EVENT.text,
                 "Le lundi 15 juin 2026", "Division des examens", "Le recteur,", "M. Exemple"):  # fmt: skip
        assert part in text, part
    own = Printer(
        "académie", OrderText("Convocation", "{name} : {nothing} {place}".replace("{nothing}", "")), printer.press
    )
    assert f"Agent Anne : {EVENT.place}" in words(own.order(one, one.invitees[0], NOW.date()))
    assert OrderText(text="{nothing} {name}").filled({"name": "{office}", "office": "x"}) == "{nothing} {office}"


def test_a_long_order_goes_on_on_a_second_page(printer: Printer) -> None:
    one = convocation("anne", event=msgspec.structs.replace(EVENT, text="\n".join(["Une ligne."] * 90)))
    pdf = printer.order(one, one.invitees[0], NOW.date())
    assert len(pypdf.PdfReader(io.BytesIO(pdf)).pages) > 1 and words(pdf).count("Une ligne.") == 90


def answered() -> Convocation:
    one = convocation("anne", "bruno", "chantal", "david")
    anne, bruno, chantal, david = one.invitees
    anne.person = msgspec.structs.replace(anne.person, name="=cmd|' /C calc'!A0")
    anne.reply(Answer.YES, Way.MAIL, int(NOW.timestamp()))
    bruno.reply(Answer.NO, Way.PORTAL, int(NOW.timestamp()))
    bruno.called, chantal.instead_of = "chantal", "bruno"
    david.call_off()
    return one


def test_the_report_counts_and_is_inert_in_a_spreadsheet(printer: Printer) -> None:
    one = answered()
    assert msgspec.to_builtins(one.count()) == {
        "all": 3, "yes": 1, "no": 1, "maybe": 0, "silence": 1, "waiting": 3, "failed": 0,
    }  # fmt: skip
    text = report.csv(one).decode("utf-8-sig")
    rows = {row["Identifiant"]: row for row in csv.DictReader(io.StringIO(text), delimiter=";")}
    assert rows["anne"]["Nom"].startswith("'=") and rows["anne"]["Réponse"] == "oui"
    assert (rows["bruno"]["Réponse"], rows["bruno"]["Moyen"], rows["bruno"]["Remplacé par"]) == (
        "non",
        "sur le portail",
        "Agent Chantal",
    )
    assert (rows["chantal"]["Réponse"], rows["chantal"]["Remplace"]) == ("pas de réponse", "Agent Bruno")
    assert rows["david"]["Réponse"] == "annulée"
    pdf = words(report.pdf(one, printer, NOW.date()))
    assert "3 convoqués\u00a0: 1 oui, 1 non, 0 peut-être, 1 sans réponse".replace("\u00a0", " ") in pdf
    assert "remplacé par Agent Chantal" in pdf and "annulée" in pdf


def test_a_report_of_many_has_several_pages(printer: Printer) -> None:
    one = convocation(*(f"agent{number:03}" for number in range(200)))
    pdf = report.pdf(one, printer, NOW.date())
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    assert len(pages) > 3 and all("Division des examens" in page.extract_text() for page in pages)
    assert "Agent Agent199" in words(pdf)
