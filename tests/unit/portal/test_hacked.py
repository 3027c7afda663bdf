"""« J’ai été piraté », page by page: the account is taken back, then each thing that was found is kept or removed."""

import re
from copy import replace
from pathlib import Path

import pytest
from malleposte.accountd.calls import hacked as calls
from malleposte.accountd.message import Done, Request
from malleposte.accounts.credentials import codes
from malleposte.accounts.mailbox.filters import forwards
from malleposte.accounts.traces.model import OTHERS, Trace
from malleposte.directory.model import State
from malleposte_portal import hacked
from malleposte_portal.core.settings import Settings

from tests.support.page import Page
from tests.support.portal import ADDRESSES, BOTH
from tests.unit.accountd.test_hacked import FOLDER, FORWARD, OTHER_NUMEN, HackedStage
from tests.unit.accountd.test_service import KEYS, NEW, NOW, NUMEN, OLD
from tests.unit.portal.conftest import SUPPORT, TILES, Visitor, make_app
from tests.unit.portal.test_first_login import WRONG, Behind

START, CHECK, END = (ADDRESSES[name][0] for name in ("hacked", "hacked_check", "hacked_end"))


class Hacked(HackedStage):
    """accountd as the portal's client finds it, on an account that somebody else has used."""

    def call(self, request: Request) -> Done:
        return Behind.call(self, request)  # type: ignore[arg-type]


@pytest.fixture
def behind(tmp_path: Path) -> Hacked:
    made = Hacked(tmp_path)
    made.agent("mdupond", State.ACTIVE, mpRecoveryMail=["marie.d@exemple.test"])
    return made


@pytest.fixture
def agent(behind: Hacked) -> Visitor:
    settings = Settings("Académie d’Exemple", SUPPORT, TILES)
    return Visitor(make_app(settings, behind).test_client())


def taken_back(agent: Visitor, behind: Hacked, way: codes.Way = codes.Way.LETTER, language: int = 0) -> Page:
    issued = codes.issue(KEYS, "mdupond", NOW, 30, way=way)
    behind.directory.modify(f"uid=mdupond,ou=people,{behind.directory.suffix}", issued.attributes)
    page = agent.send(ADDRESSES["hacked"][language], numen=NUMEN, code=issued.code, new=NEW, again=NEW)
    assert agent.last.request.path == ADDRESSES["hacked_check"][language], agent.last.text
    return page


def choices(page: Page, **wanted: str) -> dict[str, str]:
    """Each choice of the page as `keep`, or as `wanted` by its heading's first word."""
    names = dict.fromkeys(str(held["name"]) for held, _text in page.all("input") if held["type"] == "radio")
    heads = [words for _held, words in page.all("h3")]
    return {name: wanted.get(head.split()[1], "keep") for name, head in zip(names, heads, strict=True)}


@BOTH
def test_a_forward_that_a_filter_computes_is_said_in_words(agent: Visitor, behind: Hacked, language: int) -> None:
    behind.left = [Trace("forward", who=one) for one in forwards('redirect "${x}"; redirect "voleur@lointain.test";')]
    told = taken_back(agent, behind, language=language).main
    words = ("envoyés à une adresse que le filtre calcule", "sent to an address that the filter computes")
    assert words[language] in told and "voleur@lointain.test" in told and "${" not in told


@BOTH
def test_an_account_is_taken_back_and_what_is_chosen_goes(agent: Visitor, behind: Hacked, language: int) -> None:
    page = taken_back(agent, behind, language=language)
    for told in ("voleur@lointain.test", "Projets", "voleur.", "Clé", "Inconnu"):
        assert told in page.main, told
    assert behind.opens("mdupond", NEW) and behind.left == [FORWARD, FOLDER]
    first = "forward" if language else "renvoi"
    path = ADDRESSES["hacked_check"][language]
    page = agent.send(path, **choices(page, **{"automatic" if language else first: "remove"}))
    assert agent.last.request.path == ADDRESSES["hacked_end"][language]
    assert behind.left == [FOLDER] and len(behind.factors) == 2
    numbers = re.findall(r"\b(\d) (?:réglages?|settings?)", page.main)
    assert numbers == ["1", "3"]
    assert agent.raw(path).status_code == 303, "the ticket is gone"


@BOTH
def test_what_the_attacker_could_read_of_others_is_named_and_asks_nothing(
    agent: Visitor, behind: Hacked, language: int
) -> None:
    assert frozenset(hacked.OTHERS) == OTHERS
    behind.agent("jlegrand", State.ACTIVE, OTHER_NUMEN, cn=["Julie Legrand"])
    books = Trace("their-agenda", "Contacts/9990001x", "malleposte-annuaires")
    behind.left, behind.factors = [Trace("their-folder", "Conseils", "jlegrand"), books], []
    told = taken_back(agent, behind, language=language).main
    assert "Conseils" in told and "Julie Legrand" in told and "9990001x" not in told
    assert ("Warn those" if language else "Prévenez ceux") in told
    page = agent.send(ADDRESSES["hacked_check"][language])
    assert agent.last.request.path == ADDRESSES["hacked_end"][language]
    assert ("warn them" if language else "prévenez-les") in page.main
    assert not re.findall(r"\b(\d) (?:réglages?|settings?)", page.main), "it is no setting of the agent's"


def test_nothing_is_decided_for_the_agent(agent: Visitor, behind: Hacked) -> None:
    page = taken_back(agent, behind)
    assert not [held for held, _text in page.all("input") if "checked" in held]
    page = agent.send(CHECK)
    assert agent.last.status_code == 422 and behind.left == [FORWARD, FOLDER]
    assert page.named("errors") and "Choisissez de garder" in page.main
    agent.send(CHECK, **choices(page))
    assert agent.last.request.path == END
    assert behind.left == [FORWARD, FOLDER] and len(behind.factors) == 2


def test_with_nothing_found_the_page_says_so(agent: Visitor, behind: Hacked) -> None:
    behind.left, behind.factors = [], []
    assert "Aucun renvoi" in taken_back(agent, behind).main
    assert "Aucun réglage n’est supprimé" in agent.send(CHECK).main


def test_the_last_factor_stays_with_a_mailed_code_and_the_page_says_why(agent: Visitor, behind: Hacked) -> None:
    behind.left, behind.factors = [], behind.factors[:1]
    page = taken_back(agent, behind, codes.Way.MAIL)
    assert "C’est le dernier moyen" in page.main
    assert not [held for held, _text in page.all("input") if held["type"] == "radio"]
    agent.send(CHECK)
    assert agent.last.request.path == END and len(behind.factors) == 1


def test_what_gives_no_answer_is_told_and_can_be_tried_again(agent: Visitor, behind: Hacked) -> None:
    page = taken_back(agent, behind)
    wanted = choices(page, renvoi="remove")
    behind.down = True
    assert "Tout n’a pas pu être regardé" in agent.get(CHECK).main
    page = agent.send(CHECK, **wanted)
    assert agent.last.status_code == 503 and "Tout n’a pas pu être supprimé" in page.named("errors")
    behind.down = False
    agent.send(CHECK, **wanted)
    assert agent.last.request.path == END and behind.left == [FOLDER]
    assert "pas pu" not in agent.last.text
    behind.away = True
    assert agent.raw(CHECK).status_code == 303


def test_whatever_is_wrong_one_sentence_is_said(agent: Visitor, behind: Hacked) -> None:
    code = behind.code("mdupond")
    good = {"numen": NUMEN, "code": code, "new": NEW, "again": NEW}
    pages = [
        agent.send(START, **good | wrong).named("errors") for wrong in ({"numen": "01E9500002ABC"}, {"code": "33333"})
    ]
    assert pages[0] == pages[1] and WRONG in pages[0]
    assert agent.last.status_code == 403 and behind.opens("mdupond", OLD)
    agent.send(START, **good)
    assert agent.last.request.path == CHECK


def test_a_ticket_that_is_over_leads_to_the_beginning(agent: Visitor, behind: Hacked) -> None:
    assert agent.raw(CHECK).headers["Location"] == START
    assert agent.raw(END).headers["Location"] == "/"
    taken_back(agent, behind)
    behind.directory.modify(f"uid=mdupond,ou=people,{behind.directory.suffix}", {"mpBlockedUntil": []})
    assert agent.raw(CHECK).headers["Location"] == START
    assert "La vérification a pris fin" in agent.get(START).main
    assert "La vérification a pris fin" not in agent.get(START).main


def test_with_accountd_away_the_ticket_stays(agent: Visitor, behind: Hacked) -> None:
    taken_back(agent, behind)
    behind.away = True
    assert "ne répond pas" in agent.get(CHECK).main and agent.last.status_code == 503
    behind.away = False
    assert "voleur@lointain.test" in agent.get(CHECK).main


@pytest.mark.parametrize(
    ("trace", "told"),
    [
        (calls.Trace("a", "discard"), "supprimés ou refusés"),
        (calls.Trace("a", "answer"), "réponse automatique"),
        (calls.Trace("a", "folder", "INBOX", "anyone"), "ouvert à tout le monde"),
        (calls.Trace("a", "agenda", "Calendar/personal", "pmartin"), "« Agenda » est ouvert à pmartin"),
        (calls.Trace("a", "agenda", "Contacts/45-1", "<default>"), "« Contacts 45-1 » est ouvert à tout"),
        (calls.Trace("a", "delegate", who="pmartin"), "pmartin peut écrire en votre nom"),
        (calls.Trace("a", "senders", "allowed", "a@lointain.test"), "toujours acceptés : a@lointain.test"),
        (calls.Trace("a", "senders", "blocked", "a.test, b.test (+3)"), "vont dans Indésirables : a.test, b.test (+3)"),
        (calls.Trace("a", "signature", "a@b.test", "Payez ici"), "de a@b.test finissent par : « Payez ici »"),
        (calls.Trace("a", "sender", "a@b.test", "Le rectorat"), "portent le nom « Le rectorat »"),
        (calls.Trace("a", "reply", "a@b.test", "x@lointain.test"), "messages de a@b.test vont à x@lointain.test"),
        (calls.Trace("a", "copy", "a@b.test", "x@lointain.test"), "part aussi, en copie cachée, à x@lointain.test"),
        (calls.Trace("a", "tool", "webhook hooks.lointain.test", "0" * 16), "cet outil : webhook hooks.lointain.test"),
        (calls.Trace("a", "meeting", "Prime <b>", "m1"), "invitées en votre nom : « Prime <b> »"),
        (calls.Trace("a", "poll", "Gagnez", "p1"), "interrogées en votre nom : « Gagnez »"),
        (calls.Trace("a", "factor", "totp", "x", "2026-09-01T08:00:00+00:00"), "de codes « x ». Ajouté le 1er"),
        (calls.Trace("a", "recovery", "mail", "ma…@exemple.test"), "adresse de secours est ma…@exemple.test"),
        (calls.Trace("a", "recovery", "phone", "…78", "20260820080000Z"), "téléphone de secours est …78. Ajouté le 20"),
    ],
)  # fmt: skip
def test_each_kind_has_plain_words(agent: Visitor, behind: Hacked, trace: calls.Trace, told: str) -> None:
    taken_back(agent, behind)
    answer = calls.Traces("mdupond", "active", "20260903080000Z", traces=(trace,))
    behind.ask = lambda request: answer  # type: ignore[method-assign]
    assert told in agent.get(CHECK).main
    agent.get(ADDRESSES["hacked_check"][1])


def test_many_go_a_few_at_a_time(agent: Visitor, behind: Hacked) -> None:
    behind.left, behind.factors = [replace(FORWARD, who=f"x{number}@lointain.test") for number in range(7)], []
    page = taken_back(agent, behind)
    asked, call = list[calls.Check](), behind.call

    def counted(request: Request) -> Done:
        if isinstance(request, calls.Check) and request.remove:
            asked.append(request)
        return call(request)

    behind.call = counted  # type: ignore[method-assign]
    agent.send(CHECK, **choices(page, renvoi="remove"))
    assert [len(one.remove) for one in asked] == [5, 2]
    assert behind.left == [] and agent.last.request.path == END
