"""Fixtures of the stack tests. The lab is expected converged and seeded (`malleposte test` sees to it)."""

import functools
import json
import secrets
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import testinfra
from malleposte.core.errors import MallepostError
from malleposte.dev.lab import LabError
from malleposte.directory.ldap import LdapDirectory
from malleposte.directory.model import Agent, State, agent_attributes
from malleposte.probe.walker.plan import Plan
from testinfra.host import Host

from tests.stack.support import alarms, lanes, letters
from tests.stack.support import mail as mail_support
from tests.stack.support import slapd as slapd_support
from tests.stack.support.accounts_cli import Cli
from tests.stack.support.calendars import Calendars
from tests.stack.support.dav import Device
from tests.stack.support.feeds import Reader
from tests.stack.support.groupware import Groupware
from tests.stack.support.mail import Mail
from tests.stack.support.people import People, directory
from tests.stack.support.persons import Person, keyring
from tests.stack.support.persons import person as make_person
from tests.stack.support.site import Account, NotReadyError, Site
from tests.stack.support.web import Web
from tests.stack.support.webmail import Webmail
from tests.support import academy, ansible_loader, passwords

# Some tests read the inventory in this process, others import plugins.
ansible_loader.start()

HERE = Path(__file__).parent
Typed = Callable[..., "subprocess.CompletedProcess[bytes]"]


def pytest_configure(config: pytest.Config) -> None:
    """Name the alarms of the vaults in the end."""
    alarms.register(config)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test here needs the lab. Those of the shared lane stand in the order in which workers take them."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.stack)
    alarms.declare(items)
    if all(HERE / "shared" in item.path.parents for item in items):
        items.sort(key=lambda item: lanes.rank(item.path))
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> lanes.Groups:
    """The assignment of tests to workers."""
    return lanes.Groups(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell each worker what the inventory says, which takes a second of processor time to read."""
    config = node.config
    if not hasattr(config, "malleposte_listing"):
        try:
            config.malleposte_listing = json.dumps(Site().listing)
        except (LabError, MallepostError, subprocess.CalledProcessError):
            config.malleposte_listing = ""  # the workers say what is wrong
    node.workerinput["malleposte_listing"] = config.malleposte_listing


@pytest.fixture(scope="session")
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """The lab; ends the session with one line where it is not ready."""
    known = getattr(request.config, "workerinput", {})
    found = Site(known.get("malleposte_listing", ""), known.get("workerid", "main"))
    try:
        found.ready()
    except (NotReadyError, LabError, MallepostError) as error:
        pytest.exit(f"stack tests: {error}", returncode=1)
    yield found
    found.close()


@pytest.fixture(scope="session")
def platform(site: Site) -> dict[str, Any]:
    """Facts of the platform, without the prefix `malleposte_`."""
    return site.platform


@pytest.fixture(scope="session")
def accounts(site: Site) -> dict[str, Account]:
    """Accounts of the lab that have a password, by uid."""
    return site.accounts


@pytest.fixture(scope="session")
def host(site: Site) -> Callable[[str], Host]:
    """A testinfra host by name."""
    made: dict[str, Host] = {}

    def enter(name: str) -> Host:
        if name not in made:
            known = site.variables(name)
            made[name] = testinfra.get_host(
                f"ssh://{known.get('ansible_user', 'root')}@{known['ansible_host']}",
                ssh_identity_file=known.get("ansible_ssh_private_key_file"),
                ssh_extra_args=f"-o ControlMaster=auto -o ControlPersist=60 {known.get('ansible_ssh_common_args', '')}",
            )
        return made[name]

    return enter


@pytest.fixture(scope="session")
def mail1(host: Callable[[str], Host]) -> Host:
    """The mail server."""
    return host("mail1")


@pytest.fixture(scope="session")
def world(host: Callable[[str], Host]) -> Host:
    """The Internet in a box."""
    return host("world")


@pytest.fixture(scope="session")
def ca_bundle(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The authorities that the lab's hosts trust."""
    return site.authorities(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="session")
def web(ca_bundle: Path) -> Web:
    """A client of the platform's web sites."""
    return Web(ca_bundle)


@pytest.fixture(scope="session")
def slapd(site: Site) -> Iterator[slapd_support.Slapd]:
    """A slapd of its own, empty, with the configuration of the lab's."""
    with slapd_support.running(site) as made:
        yield made


@pytest.fixture
def ground(slapd: slapd_support.Slapd) -> Iterator[slapd_support.OnSlapd]:
    """The directory of a suite that runs in memory too (tests.unit.accountd.ground)."""
    made = slapd_support.OnSlapd(slapd)
    yield made
    made.clear()


@pytest.fixture(scope="session")
def plan(site: Site, ca_bundle: Path) -> Plan:
    """The connection of the probe's clients from the controller to the lab."""
    return mail_support.make_plan(site, ca_bundle)


@pytest.fixture
def mail(site: Site, plan: Plan) -> Iterator[mail_support.Mail]:
    """The lab's mail: submit, send as a stranger, read."""
    client = mail_support.Mail(site, plan)
    yield client
    client.close()


@pytest.fixture
def connect_imap(mail: mail_support.Mail) -> Callable[[Account | str], Any]:
    """A logged-in IMAP session by uid."""
    return mail.imap


@pytest.fixture
def submit(mail: mail_support.Mail) -> Callable[..., mail_support.Answer]:
    """Submit: (sender uid, envelope sender, recipient, message, port=587) -> Answer."""
    return mail.submit


@pytest.fixture(scope="session")
def wait_for() -> Callable[..., Any]:
    """Poll a predicate: (predicate, timeout=60)."""
    return mail_support.wait_for


@pytest.fixture
def people(site: Site) -> Iterator[People]:
    """Accounts made for one test."""
    made = People(site)
    yield made
    made.clear()


@pytest.fixture
def device(site: Site, web: Web, people: People) -> Iterator[Callable[..., Device]]:
    """A device, of an account made for this test (`changes` are fields of Agent) or of a given one."""
    made: list[Account] = []

    def make(account: Account | None = None, **changes: Any) -> Device:
        found = account or people.agent(**changes)
        made.append(found)
        return Device(web, site.address(site.host_of("web")), site.platform["hostnames"]["dav"], found)

    yield make
    folders = ("/var/lib/radicale/collections/collection-root", "/var/cache/radicale/collection-cache")
    names = [f"{folder}/{one.uid}" for folder in folders for one in made if one.uid.startswith("essai-")]
    if names:
        site.run(site.host_of("web"), f"rm -rf -- {' '.join(names)}")


@pytest.fixture
def visit(site: Site, ca_bundle: Path, people: People) -> Callable[..., Groupware]:
    """A visitor of SOGo, logged in, of an account made for this test (`changes` are fields of Agent)."""
    return lambda **changes: Groupware(site, ca_bundle, people.agent(profile="convergence", **changes)).login()


@pytest.fixture
def calendars(site: Site) -> Iterator[Calendars]:
    """Publishes calendars, and withdraws them afterwards."""
    made = Calendars(site)
    yield made
    made.clear()


@pytest.fixture
def person(site: Site, people: People) -> Callable[..., Person]:
    """Make an agent with a NUMEN (state, attributes)."""
    keys = keyring(site)
    return lambda state=State.ACTIVE, **more: make_person(people, keys, state, **more)


@pytest.fixture
def enters(mail: Mail) -> Callable[[str, str], bool]:
    """Whether IMAP lets a log-in in with a password."""
    return lambda uid, password: mail_support.opens(mail, Account(uid, "", password, ""))


@pytest.fixture
def backup(site: Site) -> Callable[..., str]:
    """Make archives of the sources of an account (or of named ones), on one vault, or on both (`vault=""`)."""

    def run(*sources: str, vault: str = "vault2") -> str:
        words = [*(f"--source {one}" for one in sources), *([f"--vault {vault}"] if vault else [])]
        return site.run("mail1", "malleposte backup run", *words, timeout=300)

    return run


@pytest.fixture
def restore(site: Site) -> Callable[..., dict[str, Any]]:
    """`malleposte backup restore`, on the host, and its JSON."""

    def run(*words: str) -> dict[str, Any]:
        text = site.run("mail1", "malleposte backup restore", *words, "--json", timeout=300)
        found: dict[str, Any] = json.loads(text)
        return found

    return run


@pytest.fixture
def lists(site: Site) -> Iterator[Callable[..., str]]:
    """Makes lists, and removes them and what they left at the end."""
    cli, made = Cli(site).out, []

    def make(**options: list[str]) -> str:
        name = f"liste-{secrets.token_hex(4)}"
        words = [word for key, values in options.items() for value in values for word in (f"--{key}", value)]
        cli("lists", "create", name, "--name", "Liste d’essai", *words)
        made.append(name)
        return f"{name}@{site.place.domain}"

    yield make
    site.run("mail1", "systemctl start malleposte-lists.service")
    for row in json.loads(cli("lists", "queue", "--json")):
        if row["list"] in made and row["place"] == "held":
            cli("lists", "reject", row["id"])
    with directory(site) as bound:
        for name in made:
            bound.delete(f"cn={name},ou=lists,{bound.suffix}")


@pytest.fixture
def made(site: Site) -> Iterator[list[str]]:
    """Accounts that commands make; whatever is left of them, tombstones too, goes at the end."""
    uids: list[str] = []
    yield uids
    with directory(site) as bound:
        for branch in ("people", "tombstones"):
            for uid in uids:
                for entry in bound.search(branch, ["uid"], {"uid": uid}):
                    bound.delete(entry.dn)
    for uid in uids:
        site.run("mail1", f"rm -rf -- /srv/mail/*/{uid} /var/backups/malleposte-accounts/{uid}-*")


@pytest.fixture
def typed(site: Site) -> Typed:
    """Run `malleposte accounts …` from the controller; what comes back is bytes."""
    return functools.partial(Cli(site).typed, given=b"")


@pytest.fixture
def feeds(site: Site) -> Iterator[Reader]:
    """Read the directory as root; all that feeds of tests brought is removed at the end."""
    reader = Reader(site)
    yield reader
    reader.clear()


@pytest.fixture
def lettered(site: Site, typed: Typed, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Twelve agents of three schools, imported, with the digests of their codes; gone at the end."""
    rows = tuple((row[0], f"{letters.MARK}-{row[1]}", *row[2:9], "") for row in academy.academy(12, 3, seed=9).agents)
    path = tmp_path / "agents.csv"
    path.write_bytes(academy.render(academy.HEADER, rows))
    assert typed("import", path, "--yes").returncode == 0
    yield letters.digests(site)
    left = "\n".join(f"uid={uid},ou=people,{site.place.suffix}" for uid in letters.digests(site))
    site.run("mail1", "ldapdelete -Q -Y EXTERNAL -H ldapi:///", given=left + "\n")


@pytest.fixture
def owner(site: Site) -> Iterator[tuple[LdapDirectory, str, dict[str, list[str]]]]:
    """The directory as its writer sees it, where the table's owner would be, and the entry without password."""
    name = f"{passwords.LOGIN}-{secrets.token_hex(3)}"
    mail = f"{passwords.MAIL.partition('@')[0]}.{secrets.token_hex(3)}@{site.place.domain}"
    person = Agent(name, passwords.GIVEN_NAME, passwords.SURNAME, mail, "roundcube", State.ACTIVE, hidden=True)
    with directory(site) as bound:
        assert isinstance(bound, LdapDirectory)
        dn = person.dn(bound.suffix)
        yield bound, dn, agent_attributes(person)
        if any(bound.search("people", ["uid"], {"uid": name})):
            bound.delete(dn)


@pytest.fixture
def webmail(site: Site, web: Web) -> Callable[[], Webmail]:
    """Makes a visitor of Roundcube."""
    return lambda: Webmail(site, web)


@pytest.fixture
def agent(webmail: Callable[[], Webmail], people: People) -> tuple[Account, Webmail]:
    """An agent of this test, logged in to Roundcube."""
    account, here = people.agent(), webmail()
    assert here.login(account.uid, account.password)
    return account, here
