"""« Mes outils »: a label from any program tells a tool of a message, once; faults are told, and nothing leaks."""

import json
import secrets
import time
from collections.abc import Callable
from typing import Any

import pytest
from malleposte.accountd.calls.account import ShowJournal
from malleposte.accountd.calls.mailbox.tools import (
    AddTool,
    AgentTools,
    ChangeTool,
    OpenLink,
    ToolTried,
    TryTool,
)
from malleposte.accountd.message import Refused
from malleposte.dev.world.world_tools import SECRET

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.mail import FOREIGN, Mail, wait_for
from tests.stack.support.people import People
from tests.stack.support.portal import Portal
from tests.stack.support.site import Site
from tests.stack.support.tools import HOST, LABEL, Tools

pytestmark = pytest.mark.scattered


@pytest.fixture
def tools(site: Site, mail: Mail, people: People) -> Callable[[], Tools]:
    return lambda: Tools(site, mail, Portal(site), people.agent())


def test_a_label_tells_a_tool_once_and_nothing_but_what_was_asked(tools: Any) -> None:
    agent = tools()
    place, other = agent.hook(), agent.hook(label="Autre")
    word = agent.arrives()
    begin = time.time()
    agent.label(word)
    (taken,) = agent.awaited(place)
    print(f"label to alert: {taken['at'] - begin:.1f} s")
    text = taken["content"]["text"]
    assert word in text.replace("\\", "") and f"https://{agent.site.platform['hostnames']['portal']}/lien/" in text
    agent.label(word, sign="-")
    agent.label(word)
    second = agent.arrives()
    agent.label(second)
    agent.awaited(place, 2)
    assert len(agent.taken(place)) == 2 and agent.taken(other) == []
    sent = [one.title for one in agent.shown().sent if one.told]
    assert len(sent) == 2 and any(word in one for one in sent)
    journal = agent.portal.one(ShowJournal(*agent.own())).journal
    assert any(word in one.note for one in journal)


def test_an_operator_sees_the_state_of_rules_and_pauses_and_removes_them(tools: Any, site: Site) -> None:
    agent, cli = tools(), Cli(site)
    good, busy = agent.hook(), agent.hook("gone", label="Autre")
    word = agent.arrives()
    agent.label(word)
    agent.label(word, "Autre")
    agent.awaited(good)

    def listed() -> list[dict[str, Any]]:
        return json.loads(cli.out("tools", agent.account.uid, "--json"))["rules"]  # type: ignore[no-any-return]

    first, second = wait_for(lambda: rows if (rows := listed())[1]["last_failure"] else None, 60, "the failure")
    assert (first["tool"], first["host"], first["paused"], first["waiting"]) == ("mattermost", "", "", 0), (
        "its address is secret"
    )
    assert first["last_success"] and not first["last_failure"] and not second["last_success"]
    assert second["paused"] == "revoked" and second["waiting"] == 1
    out = cli.out("tools", agent.account.uid)
    assert good not in out and busy not in out and word not in out, "neither the access nor a message"
    cli.out("tools", agent.account.uid, "--pause", first["rule"], "--reason", "trop d’alertes")
    agent.label(agent.arrives())
    cli.out("tools", agent.account.uid, "--remove", second["rule"], "--yes", "--reason", "essai")
    assert [one["paused"] for one in listed()] == ["stopped"] and len(agent.taken(good)) == 1
    journal = agent.portal.one(ShowJournal(*agent.own())).journal
    notes = {one.note.replace("\N{NO-BREAK SPACE}", " ") for one in journal if one.by == "operators"}
    assert {"mattermost : règle arrêtée (trop d’alertes)", "mattermost : règle supprimée (essai)"} <= notes
    refused = cli.typed("tools", agent.account.uid, "--pause", second["rule"])
    assert refused.returncode == 2 and "has no rule" in refused.stderr


def test_a_link_opens_for_its_owner_alone(tools: Any) -> None:
    agent, stranger = tools(), tools()
    place = agent.hook()
    agent.label(agent.arrives())
    text = agent.awaited(place)[0]["content"]["text"]
    link = text.rsplit("/lien/", 1)[1].rstrip(")")
    mine = agent.portal.one(OpenLink(*agent.own(), link))
    assert (mine.folder, mine.number) == ("INBOX", "1")
    for word in (link, link[:-2] + "AA", "x"):
        answer = stranger.portal.one(OpenLink(*stranger.own(), word))
        assert (answer.folder, answer.number) == ("", "")


def test_a_limit_of_rate_and_a_tool_that_comes_back(tools: Any) -> None:
    agent = tools()
    busy, down = agent.hook("busy"), agent.hook("down")
    agent.label(agent.arrives())
    assert len(agent.awaited(busy)) == len(agent.awaited(down)) == 1


def test_an_access_that_has_ended_is_told_and_stops_no_other(tools: Any, mail: Mail) -> None:
    agent = tools()
    gone, good = agent.hook("gone"), agent.hook()
    agent.label(agent.arrives())
    agent.awaited(good)
    wait_for(lambda: mail.count(agent.account, "plus valable") == 1, 60, "the letter")
    paused = {one.paused for one in agent.shown().rules}
    assert paused == {"revoked", ""} and agent.taken(gone) == []


def test_a_trial_says_the_truth(tools: Any) -> None:
    agent = tools()
    for kind, outcome in (
        ("good", "done"),
        ("gone", "revoked"),
        ("down", "later"),
        ("move", "refused"),
        ("huge", "done"),
    ):
        agent.hook(kind)
        ident = agent.shown().rules[-1].ident
        tried = agent.portal.one(TryTool(*agent.own(), ident))
        assert isinstance(tried, ToolTried) and tried.outcome == outcome, (kind, tried)


def test_other_hosts_are_refused(tools: Any) -> None:
    agent = tools()
    for host in ("mta-sts.lointain.test", "mail.ac-exemple.test", "127.0.0.1", "localhost"):
        answer = agent.portal.one(AddTool(*agent.own(), "webhook", "label", (f"https://{host}/x", SECRET), label=LABEL))
        assert isinstance(answer, Refused), host
    assert agent.shown().rules == ()
    agent.add("webhook", (f"https://{HOST}/appels/{secrets.token_hex(8)}", SECRET))


def test_matrix_and_a_signed_call_and_mail_that_comes(tools: Any) -> None:
    agent = tools()
    room, call = f"good{secrets.token_hex(6)}", f"good{secrets.token_hex(6)}"
    agent.add("matrix", (f"https://{HOST}", f"!{room}:{HOST}", "syt_0123456789"), lines=True)
    agent.add("webhook", (f"https://{HOST}/appels/{call}", SECRET), when="comes", label="", sender=FOREIGN)
    word = agent.arrives()
    agent.awaited(call)
    assert agent.taken(room) == []
    agent.label(word)
    assert word in agent.awaited(room)[0]["content"]["body"]


def test_a_filter_that_labels_mail_tells_nothing_and_a_rule_by_its_sender_does(tools: Any) -> None:
    """The label of a filter is no act of the agent's: mail that comes has a rule of its own."""
    agent = tools()
    labelled, comes = agent.hook(label="Suivi"), agent.hook(when="comes", label="", sender=f"ami@{FOREIGN}")
    script = 'require "imap4flags";\naddflag "Suivi";\n'
    agent.mail.set_filter(agent.account, "essai", script)
    word = agent.arrives()
    assert word in agent.awaited(comes)[0]["content"]["text"].replace("\\", "")
    session = agent.mail.imap(agent.account)
    session.select("INBOX")
    assert session.search(None, "KEYWORD", "Suivi", "SUBJECT", word)[1] != [b""]
    assert agent.taken(labelled) == []
    agent.label(word, "Suivi", sign="-")
    agent.label(word, "Suivi")
    assert len(agent.awaited(labelled)) == 1


@pytest.mark.full
def test_a_rule_that_is_stopped_tells_nothing_and_secrets_lie_nowhere(tools: Any, site: Site) -> None:
    agent = tools()
    place, good = agent.hook(), agent.hook(label="Autre")
    ident = agent.shown().rules[0].ident
    assert isinstance(agent.portal.one(ChangeTool(*agent.own(), ident, "stop")), AgentTools)
    word = agent.arrives()
    agent.label(word)
    agent.label(word, "Autre")
    agent.awaited(good)
    assert agent.taken(place) == []
    found = site.run("mail1", f"grep -rl {good} /srv/mail/.tools /var/lib/malleposte-tools /var/log || true")
    assert found.strip() == ""
    assert site.run("mail1", f"journalctl --since -10m | grep -c {good} || true").strip() == "0"


@pytest.mark.full
def test_only_its_own_user_reaches_what_calls_tools(tools: Any, site: Site) -> None:
    """The socket is root's; the user of the sender opens no box and reaches nothing inside but the tools' network."""
    mail1 = "mail1"
    assert site.run(mail1, "stat -c '%U %a' /run/malleposte-tools/send").split() == ["root", "600"]
    run = "setpriv --reuid malleposte-tools --clear-groups --regid nogroup"
    refused = site.run(mail1, f"{run} ls /srv/mail 2>&1 || true")
    assert "Permission denied" in refused
    opens = f"{run} timeout 5 bash -c 'exec 3<>/dev/tcp/%s' && echo open || echo closed"
    assert "open" in site.run(mail1, opens % f"{HOST}/443")
    for place in ("127.0.0.1/10028", "127.0.0.1/443", "127.0.0.1/389"):
        assert "closed" in site.run(mail1, opens % place), place
