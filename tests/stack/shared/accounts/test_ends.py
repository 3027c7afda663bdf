"""The table « Ends » of docs/operate.md, cell by cell: what an act ends of all that an agent has open."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from malleposte.accountd.calls import passwords
from malleposte.accountd.calls.protection import EndSessions
from malleposte.accountd.message import Done
from malleposte.policy import rules
from malleposte.probe.walker.plan import Plan

from tests.stack.support.accounts_cli import Cli, document
from tests.stack.support.ends import Held
from tests.stack.support.mail import opens, wait_for
from tests.stack.support.people import People
from tests.stack.support.portal import Portal
from tests.stack.support.site import Site
from tests.stack.support.tokens import part
from tests.stack.support.web import Web

TOKEN_SECONDS = 300
AT_ONCE, LATER, STAYS = "-", "5", "+"
"""An end at once, that of a token by itself, none."""
ACTS = ("block", "suspend", "expire", "password", "sessions", "log-ins", "log-out", "end-sessions")
LONG = ("suspend", "expire", "log-ins", "log-out", "end-sessions")
"""The acts of a full run alone. Tests of the log-in page and of both webmails show the ends of each in short."""
"""`sessions`: the end of sessions on the portal; `log-ins`: `malleposte sso sessions end`, which an operator types."""
TABLE = {
    "the log-in page": "--------",
    "renewing a token": "--------",
    "a token": "---55555",
    "Roundcube": "--------",
    "another Roundcube": "--------",
    "Roundcube elsewhere": "------+-",
    "SOGo": "--------",
    "another SOGo": "--------",
    "SOGo elsewhere": "------+-",
    "the portal": "--------",
    "IMAP by a token": "-----++-",
    "IMAP by the password": "-----++-",
    "IMAP by a device": "-----++-",
    "sending by the password": "-----++-",
    "sending by a device": "-----++-",
    "the password": "----++++",
    "a device": "---+++++",
}


def act(held: Held, name: str) -> None:
    """Do an act to both agents."""
    site = held.site
    cli, portal = Cli(site), Portal(site)
    for who in (held.light, held.full):
        match name:
            case "block":
                cli.out("block", who.uid, "--reason", "essai")
            case "suspend" | "expire":
                cli.out(name, who.uid)
            case "password":
                done = portal.one(passwords.Change(portal.source, who.uid, who.password, rules.generate()))
                assert done == Done(who.uid, "active")
            case "sessions":
                done = portal.one(EndSessions(portal.source, who.uid, portal.token(who.uid)))
                assert done == Done(who.uid, "active")
            case "end-sessions":
                hosts = document(cli.typed("end-sessions", who.uid, who.mail, "--json"))["hosts"]
                assert all(told["failures"] == [] for told in hosts.values())
                assert {"sso", "dovecot", "sogo", "roundcube"} <= {
                    one for told in hosts.values() for one in told["ended"]
                }
            case "log-ins":
                cli.typed("sessions", "end", who.uid, "--reason", "essai", group="sso").check_returncode()
    if name == "log-out":
        here = held.roundcube
        where = here.ask(f"/?_task=logout&_token={here.token}").headers["Location"]
        held.provider.ask(where.removeprefix(f"https://{held.provider.name}"))
        (where,) = held.sogo.get(held.sogo.own("logoff")).header("Location")
        held.sogo.provider(where.removeprefix(f"https://{held.sogo.sso}"))


@pytest.fixture(scope="module", params=[pytest.param(act, marks=[pytest.mark.full] * (act in LONG)) for act in ACTS])
def after(
    request: pytest.FixtureRequest, site: Site, web: Web, ca_bundle: Path, plan: Plan
) -> Iterator[tuple[str, Held]]:
    """Everything is open, and is seen to open; then comes the act."""
    people = People(site)
    with contextlib.ExitStack() as stack:
        stack.callback(people.clear)
        light, full = (people.agent(profile=profile) for profile in ("roundcube", "convergence"))
        held = Held(site, web, ca_bundle, plan, light, full)
        stack.callback(held.close)
        assert {name: look() for name, look in held.opens.items()} == dict.fromkeys(TABLE, True)
        act(held, request.param)
        yield request.param, held


@pytest.mark.parametrize("thing", TABLE)
def test_an_act_ends_what_the_table_says(after: tuple[str, Held], thing: str) -> None:
    name, held = after
    look, end = held.opens[thing], TABLE[thing][ACTS.index(name)]
    assert end in (AT_ONCE, LATER, STAYS)
    if end == STAYS:
        assert look()
    elif end == AT_ONCE:
        wait_for(lambda: not look(), 60, f"{thing} still opens")
    else:
        assert thing == "a token"
        told = part(held.tokens["access_token"], 1)
        assert told["exp"] - told["iat"] == TOKEN_SECONDS
        assert told["exp"] <= time.time() + TOKEN_SECONDS


@pytest.mark.full
@pytest.mark.parametrize("after", ["suspend", "expire"], indirect=True)
def test_devices_only_rest_where_the_account_comes_back(after: tuple[str, Held]) -> None:
    _name, held = after
    assert not opens(held.mail, held.device)
    Cli(held.site).out("resume", held.light.uid)
    assert opens(held.mail, held.device)
