"""The probe around its walker: inventory facts, transport over standard input, table, exit code."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from malleposte.commands import probe as command
from malleposte.core.errors import InputError
from malleposte.probe import enrolment, facts, report, ship
from malleposte.probe.model import Result, Status, exit_code
from malleposte.probe.walker.walk import PATHS, SEED

OK = Result("relay", Status.OK, 12, "RCPT refused: 554")
FAILED = Result("gtube", Status.FAILED, 3, "not refused")
UNSEEN = Result("gtube", Status.NOT_TESTED, 0, "no outside vantage")

PLAN = {
    "domain": "ac-exemple.test",
    "mail": "mail.ac-exemple.test",
    "selector": "mp1",
    "dmarc_policy": "reject",
    "accounts": [
        {"uid": "probe1", "mail": "probe1@ac-exemple.test", "password": "un-secret"},
        {"uid": "probe2", "mail": "probe2@ac-exemple.test", "password": "un-autre"},
    ],
    "hosts": {key: f"{key}.ac-exemple.test" for key in ("portal", "webmail", "groupware", "dav")},
    "vantage": None,
    "token": "abc123",
    "timeout": 2,
    "deadline": 1,
    "nameservers": ["127.0.0.1#1"],
    "addresses": {"mail.ac-exemple.test": "127.0.0.1"},
    "ports": dict.fromkeys(("smtp", "submissions", "submission", "imaps", "imap", "sieve", "https"), 1),
}


@pytest.mark.parametrize(
    ("results", "code"),
    [([OK], 0), ([OK, FAILED], 1), ([OK, UNSEEN], 3), ([UNSEEN, FAILED], 1), ([], 1)],
)
def test_exit_code(results, code):
    assert exit_code(results) == code


def test_table_and_json_say_the_same():
    assert "".join(report.row(OK)) == f"{'relay':<18} {'ok':<10}     12  RCPT refused: 554"
    assert report.summary([OK, UNSEEN]) == "1 ok, 1 not tested"
    document = json.loads(report.as_json([OK, UNSEEN]))
    assert document["exit_code"] == 3
    assert Result.parse(document["results"][1]) == UNSEEN


def test_vantage_defaults_and_what_it_lacks():
    given = {
        "vantage_domain": "lointain.test",
        "vantage_smtp": "[::1]:2525",
        "vantage_maildir": "",
        "vantage_user": "s",
    }
    plan = facts.vantage_plan(given, "world")
    assert plan["maildir"] == "/srv/world-mail/lointain.test/{user}/Maildir"
    assert plan["smtp"] == ["::1", 2525]
    with pytest.raises(facts.FactsError, match="host world of group vantage has no vantage_domain"):
        facts.vantage_plan({**given, "vantage_domain": ""}, "world")


def test_probe_accounts(tmp_path):
    with pytest.raises(facts.FactsError, match="no probe accounts yet"):
        facts.probe_accounts(tmp_path, "ac-exemple.test")
    store = tmp_path / "secrets" / "probe-accounts.json"
    store.parent.mkdir()
    store.write_text('{"probe1": "x", "probe2": {"password": "y", "mail": "p@ac-exemple.test"}}')
    first, second = facts.probe_accounts(tmp_path, "ac-exemple.test")
    assert first == {"uid": "probe1", "mail": "probe1@ac-exemple.test", "password": "x"}
    assert second["mail"] == "p@ac-exemple.test"
    store.write_text('{"probe1": "x"}')
    with pytest.raises(facts.FactsError, match="does not hold probe1 and probe2"):
        facts.probe_accounts(tmp_path, "ac-exemple.test")


def test_without_a_vantage_strangers_paths_are_not_tested_and_the_rest_fails_on_a_dead_platform():
    found = {result.name: result for result in ship.run(None, {"plan": PLAN})}
    assert set(found) == {*PATHS, "clean-up"} - {"virus", "second-factor", "provider"}
    unseen = {name for name, result in found.items() if result.status is Status.NOT_TESTED}
    assert unseen == {
        "foreign-to-agent",
        "submit-587",
        "submit-465",
        "gtube",
        "forged-inbound",
        "relay",
        "sso",
        "signing-key",
    }
    assert all(found[name].status is Status.FAILED for name in found if name not in unseen)
    assert found["certificate-993"].detail == "mail.ac-exemple.test port 1: Connection refused"


def test_only_the_named_paths():
    names = [result.name for result in ship.run(None, {"plan": PLAN, "only": ["relay"]})]
    assert names == ["relay", "clean-up"]


def test_no_secret_is_in_the_command_line():
    assert "un-secret" not in " ".join(ship.command(["ssh", "h"]))
    assert len(ship.command(["ssh", "h"])) == 3


def test_a_walker_that_dies_is_told_in_one_line():
    ssh = [sys.executable, "-c", "import sys; sys.exit('Host key verification failed.')"]
    with pytest.raises(ship.ShipError, match="the walker stopped: Host key verification failed"):
        list(ship.run(ssh, {"plan": PLAN}))


def run(monkeypatch, results, *words):
    monkeypatch.setattr(command.probing, "walk", lambda *_: iter(results))
    monkeypatch.setattr(command, "ensure_accounts", lambda _: None)
    monkeypatch.setattr(command.enrolment, "ensure_factor", lambda *_: None)
    return CliRunner().invoke(command.command, ["-i", "inventories/lab", *words])


def test_the_command_prints_and_exits(monkeypatch):
    shown = run(monkeypatch, [OK, UNSEEN])
    assert shown.exit_code == 3
    assert "gtube              not tested" in shown.output
    shown = run(monkeypatch, [OK], "--json")
    assert shown.exit_code == 0
    assert json.loads(shown.output)["results"][0]["name"] == "relay"


def test_an_unknown_path_is_refused(monkeypatch):
    shown = run(monkeypatch, [OK], "--only", "relais")
    assert "no path 'relais'" in str(shown.exception)


def test_accounts_whose_passwords_are_lost_are_named(monkeypatch, tmp_path):
    report = command.accounts.SeedReport(unknown=["probe1"])
    monkeypatch.setattr(command.accounts, "seed", lambda inventory: report)
    with pytest.raises(InputError, match=r"probe1: in the directory, but .*probe-accounts\.json is gone"):
        command.ensure_accounts(tmp_path)


def test_accounts_that_are_there_are_left_alone(monkeypatch, tmp_path):
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/probe-accounts.json").write_text('{"probe3": {"since": "2999-01-01"}}')
    monkeypatch.setattr(command.accounts, "seed", lambda *words, **more: pytest.fail("seeded again"))
    command.ensure_accounts(tmp_path)


def test_an_account_that_came_later_is_made(monkeypatch, tmp_path):
    table = tmp_path / "secrets/probe-accounts.json"
    table.parent.mkdir()
    table.write_text('{"probe1": {"since": "2999-01-01"}, "probe2": {"since": "2999-01-01"}}')
    seeded = []
    monkeypatch.setattr(command.accounts, "seed", lambda inventory: seeded.append(1) or command.accounts.SeedReport())
    command.ensure_accounts(tmp_path)
    assert seeded == [1]


@pytest.fixture
def table(monkeypatch, tmp_path) -> Path:
    """The table of a probe whose third account has no second factor yet."""
    path = tmp_path / "secrets/probe-accounts.json"
    path.parent.mkdir()
    path.write_text('{"probe3": {"password": "x"}}')
    monkeypatch.setattr(facts, "site", lambda inventory: facts.Site({"factor": {"seed": ""}}, None))
    return path


def enrolled(monkeypatch, *results: Result) -> None:
    monkeypatch.setattr(ship, "run", lambda ssh, request: iter(results) if request["enrol"] else pytest.fail("walked"))


def test_a_second_factor_is_enrolled_once(monkeypatch, tmp_path, table):
    enrolled(monkeypatch, Result(SEED, Status.OK, 0, "GRAINE"), Result("enrolment", Status.OK, 5, "enrolled"))
    enrolment.ensure_factor(tmp_path, command.complain)
    assert json.loads(table.read_text())["probe3"] == {"password": "x", "totp": "GRAINE"}
    enrolled(monkeypatch, Result("enrolment", Status.FAILED, 5, "enrolled again"))
    enrolment.ensure_factor(tmp_path, command.complain)


def test_nobody_enrols_where_no_agent_has_a_second_factor(tmp_path):
    path = facts.accounts_file(tmp_path)
    path.parent.mkdir()
    path.write_text('{"probe3": {"password": "x", "profile": "roundcube", "totp_next": "GRAINE"}}')
    for rules, has in (
        ({"everyone": "optional"}, True),
        ({"everyone": "none"}, False),
        ({"everyone": "none", "classes": {"roundcube": "optional"}}, True),
        ({"everyone": "optional", "classes": {"roundcube": "none"}}, False),
    ):
        found = facts.factor(tmp_path, "ac-exemple.test", "s", rules)
        assert (found is not None) is has, rules
        assert found is None or found["seed"] == "GRAINE"


def test_an_enrolment_that_fails_keeps_the_seed_and_the_walk_goes_on(monkeypatch, tmp_path, table, capsys):
    enrolled(monkeypatch, Result(SEED, Status.OK, 0, "GRAINE"), Result("enrolment", Status.FAILED, 5, "no mail"))
    enrolment.ensure_factor(tmp_path, command.complain)
    assert json.loads(table.read_text())["probe3"] == {"password": "x", "totp_next": "GRAINE"}
    said = capsys.readouterr()
    assert "no mail" in said.err and "GRAINE" not in said.err + said.out
    assert table.stat().st_mode & 0o777 == 0o600


def test_the_selector_is_the_one_that_signs_after_a_change_of_the_key(tmp_path: Path) -> None:
    facts_of = "malleposte_domain: ac-exemple.test, malleposte_dkim: {selector: mp1}"
    (tmp_path / "hosts.yml").write_text(f"malleposte: {{hosts: {{mail1: {{{facts_of}}}}}}}\n")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/probe-accounts.json").write_text('{"probe1": "a", "probe2": "b"}')
    assert facts.site(tmp_path).plan["selector"] == "mp1"
    state = {"dkim": {"from": "mp1", "signing": "mp2", "published": ["mp2"]}}
    (tmp_path / "secrets/rotation.json").write_text(json.dumps(state))
    assert facts.site(tmp_path).plan["selector"] == "mp2"
