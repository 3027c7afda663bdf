"""`malleposte sso`: an operator sees and removes an agent's second factors, and ends log-ins."""

import json
from typing import Any

from malleposte.core.errors import ExitCode

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.factors import Agent
from tests.stack.support.mail import Mail, body
from tests.stack.support.site import Site
from tests.stack.support.sso import journal
from tests.stack.support.web import Web

COMPARE = """
import json, sys
from malleposte.adapters import lemonldap
uid, printed = json.load(sys.stdin), {}
read = dict(lemonldap.stored(uid))
for index in ("_whatToTrace", "_session_uid"):
    printed[index] = json.loads(lemonldap.program(["search", "--where", f"{index}={uid}"]))
    for rows in (printed[index], read[index]):
        rows.sort(key=lambda one: one["_session_id"])
factors = json.loads(lemonldap.program(["secondfactors", "get", uid]))
printed["factors"] = {ident: one["name"] for ident, one in factors.items()}
read["factors"] = {one.ident: one.name for one in lemonldap.factors(uid)}
print(json.dumps([printed == read, len(read["_whatToTrace"]), list(read["factors"].values())]))
"""
"""Compares what the provider's own program prints of an agent with what is read from its store."""


def test_the_store_is_read_as_the_provider_s_own_program_reads_it(site: Site, web: Web, person: Any) -> None:
    who, owner = person(), Agent(site, web)
    owner.enrolled(who)
    answer = site.run_python(site.host_of("portal"), COMPARE, given=json.dumps(who.uid))
    assert json.loads(answer) == [True, 1, ["Telephone"]]


def test_a_factor_is_removed_by_the_help_desk(site: Site, web: Web, person: Any, mail: Mail) -> None:
    who, owner, after, cli = person(), Agent(site, web), Agent(site, web), Cli(site)
    owner.enrolled(who)
    told = json.loads(cli.typed("status", who.uid, "--json", group="sso").stdout)["hosts"]["pia1"]
    (factor,) = told["factors"]
    assert (factor["kind"], factor["name"]) == ("totp", "Telephone")
    assert [one["trusted_browser"] for one in told["sessions"]] == [False]
    words = ("factors", "remove", who.uid, factor["id"], "--reason", "essai, perdu")
    done = cli.typed(*words, group="sso")
    assert done.returncode == ExitCode.DONE, done
    after.log_in(who.uid, who.account.password)
    assert after.entered, "no code is asked for any more"
    (line,) = [one for one in journal(site, who.uid) if one["action"] == "factor-remove"]
    assert (line["note"], line["kind"]) == ("essai, perdu", "totp") and "@" in line["by"]
    assert "Telephone" in body(mail.arrived(who.account, "Way to log in removed"))
    again = cli.typed(*words, group="sso")
    assert again.returncode == ExitCode.BAD_INPUT and "no factor" in again.stderr


def test_log_ins_end_and_factors_stay(site: Site, web: Web, person: Any) -> None:
    who, owner, after, cli = person(), Agent(site, web), Agent(site, web), Cli(site)
    application = owner.enrolled(who)
    assert "passwordfield" not in owner.ask("/").text
    done = cli.typed("sessions", "end", who.uid, "--reason", "essai", "--json", group="sso")
    assert json.loads(done.stdout)["hosts"]["pia1"] == {"ended": 1, "not_told": []}, done
    assert "passwordfield" in owner.ask("/").text
    page = after.log_in(who.uid, who.account.password)
    assert not after.entered
    after.answer(page, application.code())
    assert after.entered
    assert "sso-end" in [one["action"] for one in journal(site, who.uid)]
