"""The inventory `standalone`, as the README describes it: one host with every service, deployed and used."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from malleposte.check import run as checking
from malleposte.check.findings import Level
from malleposte.core.paths import ROOT
from malleposte.dev.seed import seed
from malleposte.fleet import playbook

from tests.stack.support import deployed, standalone
from tests.stack.support.accounts_cli import ENVIRONMENT
from tests.stack.support.mail import FOREIGN, Mail, compose, make_plan, token
from tests.stack.support.people import People
from tests.stack.support.site import Site

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def one(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The one host, deployed once; the standing lab sleeps meanwhile."""
    with standalone.bare(site, standalone.write(tmp_path_factory.mktemp("inventory") / "mine")) as made:
        report = checking.check(made.inventory)
        assert [found.text() for found in report.findings if found.level in (Level.WRONG, Level.FAILING)] == []
        assert "nothing is backed up; two vaults are wanted" in " ".join(found.text() for found in report.findings)
        playbook.ensure(playbook.run(playbook.Options(made.inventory)), "the deploy")
        seed(made.inventory)
        yield made


@pytest.fixture
def client(one: Site, tmp_path: Path) -> Iterator[Mail]:
    """Its mail, from the controller."""
    made = Mail(one, make_plan(one, one.authorities(tmp_path)))
    yield made
    made.close()


@pytest.fixture
def persons(one: Site) -> Iterator[People]:
    """Agents of it, made for one test."""
    made = People(one)
    yield made
    made.clear()


def typed(one: Site, *words: str, code: int = 0) -> str:
    """A command of the controller; all that it says."""
    argv = [sys.executable, "-m", "malleposte", *words, "-i", str(one.inventory)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=ROOT, env=ENVIRONMENT, timeout=600)
    assert done.returncode == code, (words, done.returncode, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout + done.stderr


def test_a_second_deploy_changes_nothing(one: Site) -> None:
    deployed.deploys_unchanged(one)


def test_every_service_answers_and_mail_goes_in_and_out(one: Site) -> None:
    deployed.works_from_outside(one)


def test_agents_write_to_each_other_and_abroad(one: Site, client: Mail, persons: People) -> None:
    sender, reader = persons.agent(), persons.agent()
    here, abroad, back = token(), token(), token()
    assert client.submit(sender, sender.mail, reader.mail, compose(sender.mail, reader.mail, here)).accepted
    assert client.arrived(reader, here)
    stranger = f"probe@{FOREIGN}"
    assert client.submit(sender, sender.mail, stranger, compose(sender.mail, stranger, abroad)).accepted
    assert client.at_foreign("probe", abroad)
    client.foreign(stranger, sender.mail, compose(stranger, sender.mail, back))
    assert client.arrived(sender, back, timeout=180)


def test_the_addresses_that_its_facts_name_are_somebody_s(one: Site, client: Mail) -> None:
    facts, domain = one.platform, one.platform["domain"]
    named = {facts["support"]["mail"], facts["tls"]["contact"], facts["dmarc"]["reports"], *facts["operators"]}
    sender = client.account("probe1")
    with client.session(sender) as session:
        session.mail(sender.mail)
        for address in (*named, facts["mta_sts"]["reports"], f"postmaster@{domain}", f"abuse@{domain}"):
            assert session.rcpt(address)[0] == 250, address
        assert session.rcpt(f"personne-{token()}@{domain}")[0] == 550


def test_what_it_publishes_is_what_the_dns_has(one: Site) -> None:
    assert "TLSA" in typed(one, "dns", "show")
    typed(one, "dns", "check", "--resolver", one.address("world"))


def test_without_vaults_a_backup_says_what_is_missing(one: Site) -> None:
    for words in (("backup", "run"), ("backup", "list")):
        assert "the group vault has no host; add hosts to it" in typed(one, *words, code=2)
    assert not [line for line in json.loads(one.run("mail1", "systemctl list-timers --all -o json"))
                if "malleposte-backup" in str(line.get("unit"))]  # fmt: skip
