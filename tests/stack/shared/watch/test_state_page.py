"""« État de la plateforme » on a deployed platform: for whom, by which way, and no other way to the measures."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from malleposte.policy import rules
from malleposte.watch import textfile
from malleposte.watch.state import table
from malleposte.watch.state.document import State, decoded

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.desk import enrolled, entered
from tests.stack.support.factors import Agent
from tests.stack.support.mail import wait_for
from tests.stack.support.provider import claims, returned
from tests.stack.support.site import Site
from tests.stack.support.visitor import Visitor
from tests.stack.support.web import Web
from tests.support import state_questions

PAGE, DATA = "/dsi/etat", "/dsi/etat.json"
SOCKET = "/run/malleposte-pager/state"
READ = f"""
import socket, sys
with socket.socket(socket.AF_UNIX) as link:
    link.settimeout(30)
    link.connect({SOCKET!r})
    while part := link.recv(65536):
        sys.stdout.write(part.decode())
"""
ASK = """
import json, socket, ssl, sys
given = json.load(sys.stdin)
context = ssl.create_default_context()
with socket.create_connection((given["address"], 7450), timeout=30) as plain:
    with context.wrap_socket(plain, server_hostname=given["name"]) as link:
        link.sendall(json.dumps(given["line"]).encode() + b"\\n")
        link.settimeout(30)
        while part := link.recv(65536):
            sys.stdout.write(part.decode())
"""


@pytest.fixture(scope="module")
def document(site: Site) -> State:
    """The state as the portal's user reads it, once every host and path was measured."""

    def measured() -> State | None:
        state = decoded(State, site.run("pia1", "runuser -u portal -- python3 -", given=READ).encode())
        there = all(state.tables.get(name) for name in ("hosts", "paths", "queues", "disks_free", "backups"))
        return state if there and all(one.value for one in state.tables["hosts"]) else None

    return wait_for(measured, 900, "a state with hosts, paths, queues, disks and backups")


def test_a_vault_measures_every_host_and_all_that_the_page_shows(site: Site, document: State) -> None:
    assert document.source in {one.split(".")[0] for one in site.hosts_of("vault")}
    hosts = {host.split(".")[0] for host in site.hosts_of("malleposte")}
    assert {one.host for one in document.tables["hosts"]} == hosts
    assert document.blind == (), "every question of the table is one that Prometheus takes"
    assert document.tables.keys() == table.NOW.keys()
    assert document.history.keys() == table.HISTORY.keys()
    assert any(value is not None for value in document.history["queue"].day)
    assert any(one.what == "/" for one in document.tables["disks_free"])


def test_each_question_has_the_value_that_its_series_say(site: Site) -> None:
    assert state_questions.NOW.keys() == table.NOW.keys() and state_questions.HISTORY.keys() == table.HISTORY.keys()
    vault = site.hosts_of("vault")[0]
    folder = site.run(vault, "mktemp -d").strip()
    try:
        for name, content in zip(("rules.yml", "state.test.yml"), state_questions.documents(), strict=True):
            site.run(vault, f"cat > {folder}/{name}", given=json.dumps(content))
        site.run(vault, f"cd {folder} && promtool test rules state.test.yml", timeout=300)
    finally:
        site.run(vault, f"rm -r {folder}")


def test_a_person_of_the_dsi_sees_it_by_a_factor_and_nobody_else(site: Site, web: Web, person: Any) -> None:
    who, another = person(), person()
    by_password = entered(site, web, who)
    application = enrolled(site, web, who)
    Cli(site).json("role", "grant", who.uid, "dsi", "--reason", "essai")
    for path in (PAGE, DATA):
        assert "demande un second facteur" in by_password.follow(by_password.ask(path)).text
        assert "réservée à la DSI" in entered(site, web, another).ask(path).text
    inside = entered(site, web, who, application)
    page = inside.get(PAGE)
    assert inside.last is not None and inside.last.status == 200
    assert "vault" in page.main
    answer = inside.ask(DATA)
    state = decoded(State, answer.text.encode())
    assert (answer.status, state.kind) == (200, "vault")
    assert time.time() - state.at < 120
    Cli(site).json("role", "withdraw", who.uid, "dsi", "--reason", "essai")
    assert "réservée à la DSI" in inside.ask(PAGE).text, "at once, the log-in lasting"


def test_tokens_say_when_the_factor_was_shown_also_when_they_are_renewed(site: Site, web: Web, person: Any) -> None:
    who = person()
    application = enrolled(site, web, who)
    agent = Agent(site, web)
    before = int(site.run("pia1", "date +%s"))
    agent.prove(who, application.code())
    _status, told = agent.redeem(returned(agent.ask(agent.authorize()))["code"])
    first = claims(told["access_token"])["level_time"]
    assert before - 5 <= first <= before + 300
    asked = {"grant_type": "refresh_token", "refresh_token": told["refresh_token"]}
    _status, told = agent.redeem("", redirect_uri="", code_verifier="", **asked)
    assert claims(told["access_token"])["level_time"] == first, "a new token is no new proof"


def test_the_portal_s_user_alone_reads_it_on_its_host(site: Site, document: State) -> None:
    assert document.source
    for user in ("nobody", "www-data"):
        assert site.run("pia1", f"runuser -u {user} -- python3 -", given=READ) == ""


def asked(site: Site, origin: str, name: str, secret: str, **request: Any) -> dict[str, Any]:
    """Return the answer of the pager of vault1 to a line from another host."""
    given = {
        "address": site.address("vault1"), "name": f"vault1.{site.platform['domain']}",
        "line": {"client": name, "secret": secret, **request},
    }  # fmt: skip
    script = site.run(origin, "mktemp").strip()
    try:
        site.run(origin, f"cat > {script}", given=ASK)
        return dict(json.loads(site.run(origin, f"python3 {script}", given=json.dumps(given))))
    finally:
        site.run(origin, f"rm -f {script}")


def test_a_portal_s_host_that_was_taken_over_learns_the_document_and_no_measure_else(
    site: Site, document: State
) -> None:
    secret = json.loads(site.run("pia1", "cat /etc/malleposte/keys/pager.json"))["secret"]
    answer = asked(site, "pia1", "pia1", secret, state=True, query="up", metric="node_uname_info")
    assert answer["state"]["tables"].keys() == document.tables.keys()
    assert asked(site, "pia1", "pia1", "of another", state=True) == {"state": None, "refused": "not known here"}
    for port in (9090, 9093, 9443):
        words = f"curl -sk --connect-timeout 5 https://{site.address('vault1')}:{port}/ || true"
        assert site.run("pia1", words) == "", port


@pytest.mark.full
def test_acts_of_agents_are_counted_by_name(site: Site, web: Web, person: Any) -> None:
    host, who, new = site.host_of("directory"), person(), rules.generate()

    def changes() -> float:
        # The measure of the minute, at once.
        site.run(host, "systemctl start malleposte-measures.service")
        values = textfile.parse(site.run(host, f"cat {textfile.FOLDER}/malleposte-log-ins.prom"))
        acts = [one for name, one in values if name == "malleposte_acts_total"]
        assert all(one.labels.keys() == {"act"} for one in acts)
        return sum(one.value for one in acts if one.labels["act"] == "change")

    before = changes()
    browser = Visitor(site, web)
    browser.send("/motdepasse/changer", login=who.uid, old=who.account.password, new=new, again=new)
    assert browser.status == 200
    wait_for(lambda: changes() > before, 180, "the act is counted")
