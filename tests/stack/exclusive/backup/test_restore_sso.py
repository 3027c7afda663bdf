"""Second factors and log-ins come back from the archive of the portal's host, by the words of the guide."""

import json
import re
from typing import Any

from malleposte.core.errors import ExitCode
from malleposte.core.paths import ROOT

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.factors import Agent
from tests.stack.support.mail import wait_for
from tests.stack.support.site import Site
from tests.stack.support.web import Web

HOST, VAULT = "pia1", "vault2"
BLOCK = re.compile(r"The store of the log-in page lies.*?```sh\n(.*?)```", re.DOTALL)


def guide(archive: str) -> str:
    """The commands of the guide, with the name of an archive."""
    found = BLOCK.search((ROOT / "docs/operate.md").read_text("utf-8"))
    assert found
    words = [line.partition("#")[0].strip() for line in found[1].strip().splitlines()]
    assert sum("system@TIME" in line and "VAULT" in line for line in words) == 1
    return " && ".join(words).replace("system@TIME", archive).replace("VAULT", VAULT)


def newest(site: Site) -> str:
    """The last archive of the host's own files at the vault."""
    told = json.loads(site.run(HOST, f"borgmatic --config /etc/borgmatic.d/{VAULT}.yaml list --json", timeout=300))
    names = {one["name"] for repository in told for one in repository["archives"]}
    return max(name for name in names if name.startswith("system@"))


def test_a_lost_factor_and_its_log_in_come_back(site: Site, web: Web, person: Any) -> None:
    who, owner, cli = person(), Agent(site, web), Cli(site)
    application = owner.enrolled(who)
    cookies = dict(owner.cookies)
    site.run(HOST, f"malleposte backup run --vault {VAULT} --source system", timeout=600)
    told = json.loads(cli.typed("status", who.uid, "--json", group="sso").stdout)["hosts"][HOST]
    (factor,) = told["factors"]
    words = ("factors", "remove", who.uid, factor["id"], "--reason", "essai")
    assert cli.typed(*words, group="sso").returncode == ExitCode.DONE
    cli.typed("sessions", "end", who.uid, "--reason", "essai", group="sso")
    without = Agent(site, web)
    without.log_in(who.uid, who.account.password)
    assert without.entered and "passwordfield" in owner.ask("/").text
    site.run(HOST, guide(newest(site)), timeout=600)
    wait_for(lambda: Agent(site, web).ask("/").status in (200, 401), what="the log-in page")
    back = Agent(site, web)
    page = back.log_in(who.uid, who.account.password)
    assert not back.entered and 'name="code"' in page.text
    back.answer(page, application.code())
    assert back.entered
    owner.cookies = cookies
    assert "passwordfield" not in owner.ask("/").text, "log-ins of that time go on"
    assert "passwordfield" in without.ask("/").text, "those since then are gone"
    site.run(HOST, "rm -rf /var/lib/valkey-sso.replaced-*")
