"""Names of an account for its agent and the operator; messages of commands; ends of boxes."""

import json
import secrets

import pytest
from malleposte.accountd.calls import passwords
from malleposte.accountd.message import Done, Refused
from malleposte.probe.walker.sieve import SieveError

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.groupware import Groupware
from tests.stack.support.people import directory
from tests.stack.support.portal import Portal
from tests.stack.support.site import Account


@pytest.fixture(scope="module")
def cli(site):
    return Cli(site)


def letters() -> str:
    """A surname that nobody has."""
    return "".join("abcdefghij"[int(sign, 16) % 10] for sign in secrets.token_hex(6)).title()


@pytest.fixture
def gone(site):
    """Uids of accounts, and entries of other branches, to remove at the end."""
    made: list[str] = []
    yield made
    with directory(site) as bound:
        for dn in made:
            bound.delete(f"{dn},{bound.suffix}")


def test_a_rename_prints_the_new_address_and_the_old_one_still_logs_in_everywhere(
    cli, people, mail, site, ca_bundle, device
):
    who = people.agent(profile="convergence")
    surname = letters()
    done = cli("rename", who.uid, "--given-name", "Zoé", "--surname", surname)
    assert done.returncode == 0, done
    assert f"Zoé {surname} <zoe.{surname.lower()}@ac-exemple.test>" in done.stdout
    assert who.mail in done.stdout
    old = Account(who.mail, who.mail, who.password, who.profile)
    assert mail.imap(old).select()[0] == "OK"
    with mail.session(old, 587):
        pass
    Groupware(site, ca_bundle, old).login()
    assert mail.sieve(old).scripts() is not None
    telephone, portal = device(who), Portal(site)
    telephone.login = who.mail
    assert telephone.ask("PROPFIND", "/").status == 207
    proved = portal.one(passwords.Prove(portal.source, who.mail, who.password))
    assert isinstance(proved, Done)
    assert proved.uid == who.uid
    stranger = Account(f"x{who.mail}", who.mail, who.password, who.profile)
    assert not Groupware(site, ca_bundle, stranger).enters()
    with pytest.raises(SieveError):
        mail.sieve(stranger)
    telephone.login = stranger.uid
    assert telephone.ask("PROPFIND", "/").status == 401
    assert isinstance(portal.one(passwords.Prove(portal.source, stranger.uid, who.password)), Refused)


def test_an_account_by_hand_says_what_it_lacks_and_takes_no_reserved_name(cli, gone):
    surname = letters()
    uid = f"z{surname.lower()}"
    for words in (("--uid", "postmaster"), ("--address", "abuse@ac-exemple.test")):
        refused = cli("create", "--given-name", "Zoé", "--surname", surname, *words, "--json")
        assert refused.returncode == 2
        assert "reserved" in json.loads(refused.stdout)["error"]
    done = cli("create", "--given-name", "Zoé", "--surname", surname)
    gone.append(f"uid={uid},ou=people")
    assert done.returncode == 0, done
    assert "without a NUMEN" in done.stdout
    numen = f"21E{secrets.randbelow(10**7):07d}XYZ"
    assert cli("modify", uid, "--numen", given="pas un numen\n").returncode == 2
    known = cli("modify", uid, "--numen", given=numen + "\n")
    assert (known.returncode, numen in known.stdout + known.stderr) == (0, False), known
    again = cli("create", "--given-name", "Zoé", "--surname", surname, "--numen", given=numen + "\n")
    assert (again.returncode, uid in again.stderr) == (2, True), again
    other = cli("modify", "mdupond", "--numen", given=numen + "\n")
    assert (other.returncode, uid in other.stderr) == (2, True), other


@pytest.mark.full
def test_a_box_is_made_opened_and_ended_and_each_says_so(cli, people, gone, site):
    agent, name = people.agent(), f"fin-{secrets.token_hex(4)}"
    said = cli("box", "create", name, "--name", "Boîte d’essai").stdout
    assert f"{name}@ac-exemple.test made" in said
    assert f"opened by {agent.uid}" in cli("box", "delegate", name, agent.uid).stdout
    assert "nothing to change" in cli("box", "delegate", name, agent.uid).stdout
    assert f"no longer opened by {agent.uid}" in cli("box", "undelegate", name, agent.uid).stdout
    asked = cli("box", "end", name)
    assert (asked.returncode, "nothing was changed" in asked.stderr) == (1, True), asked
    ended = cli("box", "end", name, "--yes", "--reason", "essai")
    gone.append(f"uid={name},ou=tombstones")
    assert (ended.returncode, "archived in" in ended.stdout) == (0, True), ended
    path = ended.stdout.partition("archived in ")[2].partition(";")[0]
    assert site.run("mail1", f"stat -c %a {path}; rm -f {path}").strip() == "600"
    assert cli("box", "show", name).returncode == 2
    again = cli("box", "create", name, "--name", "Encore")
    assert (again.returncode, "never given again" in again.stderr) == (2, True), again


@pytest.mark.full
def test_a_list_is_ended_and_its_address_goes_to_nobody(cli, people, gone, site):
    agent, name = people.agent(), f"fin-{secrets.token_hex(4)}"
    assert cli("lists", "create", name, "--member", agent.uid).returncode == 0
    assert "4000 KB" in cli("lists", "set", name, "--max-size", "4000").stdout
    ended = cli("lists", "end", name, "--yes")
    gone.append(f"uid=liste.{name},ou=tombstones")
    assert ended.returncode == 0, ended
    path = ended.stdout.partition("kept in ")[2].partition(";")[0]
    assert json.loads(site.run("mail1", f"cat {path}; rm -f {path}"))["cn"] == [name]
    again = cli("lists", "create", name)
    assert (again.returncode, "never given again" in again.stderr) == (2, True), again
