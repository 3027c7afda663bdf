"""« Mes outils »: rules are shown, added and tried in plain words, and no page has a secret."""

from copy import replace
from typing import Any

import pytest
from malleposte.accountd import client
from malleposte.accountd.calls.mailbox.tools import (
    AddTool,
    AgentAgendas,
    AllowedTool,
    ChangeTool,
    OpenLink,
    RenewTool,
    ShowAgendas,
    ToolAgenda,
    ToolRule,
    ToolSent,
    TryTool,
)
from malleposte_portal.front import tiles

from tests.support.portal import ADDRESSES, BOTH
from tests.unit.portal.own.test_pages import DONE

PAGE, ADD, RENEW = (ADDRESSES[name][0] for name in ("tools", "tool_add", "tool_renew"))
TOOLS = (AllowedTool("slack", ("hooks.slack.com",)), AllowedTool("trello", ("api.trello.com",)))
LABEL = ToolRule("a1", "slack", "label", "$label4", lines=True, paused="revoked", waits=3)
COMES = ToolRule("b2", "trello", "comes", sender="<rectorat>", subject="urgent", paused="stopped")
SENT = (
    ToolSent("slack", "<b>Réunion</b>", "2099-01-05T08:00:00+01:00", True),
    ToolSent("trello", "Perdu", "2099-01-05T08:00:00+01:00", False, "away"),
)
HELD = replace(DONE, tools=TOOLS, rules=(LABEL, COMES), sent=SENT, outcome="", detail="", folder="", number="")
URL = "https://hooks.slack.com/services/T1/B2/abcDEF123"


def acts(page: Any) -> list[tuple[str, str]]:
    return [(one["fields"]["act"], one["fields"]["rule"]) for one in page.forms() if "act" in one["fields"]]


@BOTH
def test_rules_and_what_left_are_shown(inside: Any, accountd: Any, language: int) -> None:
    accountd.answer = HELD
    page = inside.get(ADDRESSES["tools"][language])
    french = ("$label4", "refuse votre accès", "Arrêtée", "<rectorat>", "<b>Réunion</b>", "pendant deux jours")
    english = ("$label4", "refuses your access", "Stopped", "<rectorat>", "<b>Réunion</b>", "for two days")
    for told in english if language else french:
        assert told in page.main, told
    assert acts(page) == [
        ("try", "a1"), ("stop", "a1"), ("remove", "a1"), ("try", "b2"), ("resume", "b2"), ("remove", "b2"),
    ]  # fmt: skip


def test_without_a_tool_of_the_academy_s_nothing_is_offered(inside: Any, accountd: Any) -> None:
    accountd.answer = replace(HELD, tools=(), rules=(), sent=())
    assert "n’a ouvert aucun outil" in inside.get(PAGE).main
    inside.get(f"{ADD}?tool=slack")
    assert inside.last.status_code == 404


def test_a_rule_is_added(inside: Any, accountd: Any) -> None:
    accountd.answer = HELD
    page = inside.get(f"{ADD}?tool=slack")
    assert "hooks.slack.com" in page.main and "confidentiel" in page.main
    fields = next(one["fields"] for one in page.forms() if one["fields"].get("tool") == "slack")
    page = inside.post(ADD, fields | {"when": "label", "label": "$label4", "value0": f" {URL} ", "lines": "y"})
    assert "C’est fait" in page.main
    asked = accountd.only(AddTool)
    assert (asked.tool, asked.when, asked.label) == ("slack", "label", "$label4")
    assert (asked.values, asked.lines) == ((URL,), True)
    assert (asked.sender, asked.subject) == ("", "")


def test_a_rule_for_events_is_added_and_shown(inside: Any, accountd: Any) -> None:
    agendas = (ToolAgenda("mdupond/personal"), ToolAgenda("equipe-x/personal", "Équipe X"))
    gone = ToolRule("c3", "slack", "event", agenda="Équipe X", place=True, gone=True)
    accountd.answers[ShowAgendas] = AgentAgendas("mdupond", "active", agendas=agendas)
    accountd.answer = replace(HELD, rules=(gone, ToolRule("d4", "slack", "event")))
    page = inside.get(f"{ADD}?tool=slack")
    assert "Mon agenda" in page.main and "Équipe X" in page.main
    fields = next(one["fields"] for one in page.forms() if one["fields"].get("tool") == "slack")
    sent = {"when": "event", "agenda": "equipe-x/personal", "place": "y", "label": "$label4", "value0": URL}
    page = inside.post(ADD, fields | sent)
    asked = accountd.only(AddTool)
    assert (asked.when, asked.agenda, asked.place, asked.label, asked.lines) == (
        "event", "equipe-x/personal", True, "", False,
    )  # fmt: skip
    assert "« Équipe X »" in page.main.replace("\xa0", " ") and "Le lieu part aussi" in page.main
    assert "n’existe plus" in page.main and "« Mon agenda »" in page.main.replace("\xa0", " ")


def test_without_an_agenda_no_event_is_offered(inside: Any, accountd: Any) -> None:
    accountd.answer = HELD
    page = inside.get(f"{ADD}?tool=slack")
    assert "un de vos agendas" not in page.main and "Vous n’avez pas encore d’agenda" in page.main
    accountd.failures[ShowAgendas] = client.UnavailableError("mail1 gives no answer")
    page = inside.get(f"{ADD}?tool=slack")
    assert "un de vos agendas" not in page.main and "Vos agendas ne répondent pas" in page.main


def test_a_form_that_is_wrong_shows_no_secret_again(inside: Any, accountd: Any) -> None:
    accountd.answer = HELD
    page = inside.get(f"{ADD}?tool=trello")
    fields = next(one["fields"] for one in page.forms() if one["fields"].get("tool") == "trello")
    page = inside.post(ADD, fields | {"when": "label", "value0": "", "value1": "key-secret", "value2": "token-secret"})
    assert inside.last.status_code == 422
    assert "-secret" not in inside.last.text
    assert accountd.requests(AddTool) == []


@pytest.mark.parametrize("act", ["stop", "resume", "remove"])
def test_a_rule_is_changed(inside: Any, accountd: Any, act: str) -> None:
    accountd.answer = HELD
    form = next(one["fields"] for one in inside.get(PAGE).forms() if one["fields"].get("act") == act)
    assert "C’est fait" in inside.post(PAGE, form).main
    assert accountd.only(ChangeTool).change == act
    inside.post(PAGE, form | {"act": "burn"})
    assert inside.last.status_code == 422


def test_another_access(inside: Any, accountd: Any) -> None:
    accountd.answer = HELD
    page = inside.get(f"{RENEW}?rule=a1")
    fields = next(
        one["fields"] for one in page.forms() if one["fields"].get("rule") == "a1" and "act" not in one["fields"]
    )
    inside.post(RENEW, fields | {"value0": URL})
    asked = accountd.only(RenewTool)
    assert (asked.ident, asked.values) == ("a1", (URL,))
    inside.get(f"{RENEW}?rule=none")
    assert inside.last.status_code == 404


@pytest.mark.parametrize(
    ("outcome", "detail", "told"),
    [
        ("done", "", "a accepté le message d’essai"),
        ("later", "429", "n’a pas répondu, ou demande d’attendre"),
        ("revoked", "403 invalid_token", "refuse cet accès. Donnez-en un autre. (403 invalid_token)"),
        ("refused", "400", "a refusé le message d’essai"),
    ],
)
def test_a_trial_says_its_outcome(inside: Any, accountd: Any, outcome: str, detail: str, told: str) -> None:
    accountd.answer = replace(HELD, outcome=outcome, detail=detail)
    form = next(one["fields"] for one in inside.get(PAGE).forms() if one["fields"].get("act") == "try")
    page = inside.post(PAGE, form)
    assert told in page.main
    assert accountd.only(TryTool).ident == "a1"
    assert told not in inside.get(PAGE).main


def test_a_link_leads_to_the_message_of_its_owner(inside: Any, accountd: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "webmail", lambda: "https://webmail.ac-exemple.test/")
    accountd.answer = replace(HELD, folder="Envoy&AOk-s", number="7")
    answer = inside.raw("/lien/abc-DEF")
    assert answer.status_code == 303
    place = answer.headers["Location"]
    assert place == ("https://webmail.ac-exemple.test/?_task=mail&_mbox=Envoy%26AOk-s&_uid=7&_action=show")
    assert accountd.only(OpenLink).word == "abc-DEF"


def test_a_link_that_opens_nothing_says_nothing_of_it(inside: Any, accountd: Any) -> None:
    accountd.answer = HELD
    pages = [inside.get(f"/lien/{word}").main for word in ("abc", "x" * 900)]
    assert inside.last.status_code == 404
    assert pages[0] == pages[1] and "n’ouvre aucun message" in pages[0]
