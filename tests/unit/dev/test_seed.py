"""Log-in names, the sample file, and seeding that may be interrupted anywhere."""

from __future__ import annotations

import json
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from malleposte.accounts import names
from malleposte.core.errors import InputError, MallepostError
from malleposte.dev import sample, seed
from malleposte.directory.model import FunctionalBox, box_attributes
from malleposte.fleet import reach, remote, vault
from malleposte.policy import rules
from malleposte.probe import accounts

from tests.support.classes import CLASSES
from tests.support.directory import MemoryDirectory

ROOT = Path(__file__).parents[3]
DOMAIN = "ac-exemple.test"
SHIPPED = ROOT / "inventories/lab/sample-accounts.csv"


@pytest.mark.parametrize(
    ("given", "surname", "uid", "local"),
    [
        ("Marie", "Dupond", "mdupond", "marie.dupond"),
        ("Marie", "Le Dupond", "mle-dupond", "marie.le-dupond"),
        ("Jean-François", "Le Goff", "jle-goff", "jean-francois.le-goff"),
        ("Anaïs", "D’Hérouville", "adherouville", "anais.dherouville"),
        ("Noël", "Bœuf", "nboeuf", "noel.boeuf"),
        ("Éléonore", "Saint  Exupère-Ÿ", "esaint-exupere-y", "eleonore.saint-exupere-y"),
    ],
)
def test_names(given: str, surname: str, uid: str, local: str) -> None:
    assert names.log_in_name(given, surname, set()) == uid
    assert names.address(given, surname, DOMAIN, set()) == f"{local}@{DOMAIN}"


def test_homonyms_are_numbered() -> None:
    assert names.log_in_name("Marie", "Dupond", {"mdupond", "mdupond2"}) == "mdupond3"
    assert names.address("Marie", "Dupond", DOMAIN, {f"marie.dupond@{DOMAIN}"}) == f"marie.dupond2@{DOMAIN}"


def test_a_name_without_letters_is_refused() -> None:
    with pytest.raises(names.UnusableName):
        names.log_in_name("*", "!!", set())


def test_the_shipped_sample() -> None:
    found = sample.read(SHIPPED, DOMAIN)
    uids = [agent.uid for agent in found.agents]
    assert len(found.agents) == 24
    assert len(set(uids)) == 24
    assert {agent.profile for agent in found.agents} == {"convergence", "roundcube"}
    assert {"mdupond", "mdupond2", "mdupond3"} <= set(uids)
    assert all(delegate in uids for box in found.boxes for delegate in box.delegates)
    assert found.numens == {"mdupond": "99E9999001ABC"}
    assert {f"dsi@{DOMAIN}", f"ce.9990001x@{DOMAIN}"} <= {box.mail for box in found.boxes}


def test_a_wrong_row_is_named(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text(";".join(sample.COLUMNS) + "\nelfe;a;b;;;;;;;\n", "utf-8")
    with pytest.raises(InputError, match="line 2: type 'elfe' is neither agent nor boite"):
        sample.read(file, DOMAIN)
    file.write_text("nom;prenom\n", "utf-8")
    with pytest.raises(InputError, match="no column type"):
        sample.read(file, DOMAIN)


@dataclass(frozen=True)
class DirectoryHost(remote.Place):
    """The directory's host: the words and the input of each command."""

    typed: list[tuple[list[str], bytes]] = field(default_factory=list)
    away: list[bool] = field(default_factory=list)

    def printed(self, words: Sequence[str], content: bytes, *, also: Sequence[int] = ()) -> bytes:
        if self.away:
            raise MallepostError("dir1 cannot be reached over ssh")
        self.typed.append((list(words), content))
        return b"{}"


def test_a_sample_agent_gets_a_numen_once_and_never_by_the_words_of_a_command(tmp_path: Path) -> None:
    table, host = tmp_path / "accounts.json", DirectoryHost("dir1", ())
    wanted = sample.read(SHIPPED, DOMAIN)
    accounts.seed_agents(MemoryDirectory(), wanted.agents, table)
    host.away.append(True)
    with pytest.raises(MallepostError, match="dir1"):
        seed.seed_numens(host, wanted.numens, table)
    host.away.clear()
    for _ in range(2):
        seed.seed_numens(host, wanted.numens | {"stranger": "99E9999002ABC"}, table)
    assert host.typed == [(["accounts", "modify", "mdupond", "--numen", "--json"], b"99E9999001ABC\n")]
    assert json.loads(table.read_text("utf-8"))["mdupond"]["numen"] == "99E9999001ABC"


def test_a_wrong_numen_of_the_sample_is_named_without_it(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text(f"{';'.join(sample.COLUMNS)}\nagent;Anne;Petit;;roundcube;;;;;;99X\n", "utf-8")
    with pytest.raises(InputError, match=r"line 2: not a NUMEN \(2 digits"):
        sample.read(file, DOMAIN)


def test_seeding_twice_changes_nothing(tmp_path: Path) -> None:
    directory, table = MemoryDirectory(), tmp_path / "secrets/accounts.json"
    wanted = sample.read(SHIPPED, DOMAIN)
    first = accounts.seed_agents(directory, wanted.agents, table)
    boxes = seed.seed_boxes(directory, wanted.boxes, table)
    content, entries = table.read_bytes(), {dn: dict(e.attributes) for dn, e in directory.entries.items()}
    again = accounts.seed_agents(directory, wanted.agents, table)
    seed.seed_boxes(directory, wanted.boxes, table)
    assert first.created == again.present
    assert len(boxes.created) == len(wanted.boxes)
    assert not again.changed
    assert table.read_bytes() == content
    assert {dn: dict(e.attributes) for dn, e in directory.entries.items()} == entries
    assert stat.S_IMODE(table.stat().st_mode) == 0o600
    assert stat.S_IMODE(table.parent.stat().st_mode) == 0o700


def test_the_table_tells_what_opens_each_account(tmp_path: Path) -> None:
    directory, table = MemoryDirectory(), tmp_path / "accounts.json"
    wanted = sample.read(SHIPPED, DOMAIN)
    accounts.seed_agents(directory, wanted.agents, table)
    rows = json.loads(table.read_text("utf-8"))
    for agent in wanted.agents:
        row = rows[agent.uid]
        assert directory.log_in(agent.dn(directory.suffix), row["password"]).ok
        assert rules.check(row["password"], accounts.context_of(agent)) == []
        assert (row["mail"], row["profile"], row["kind"]) == (agent.mail, agent.profile, "agent")


@pytest.mark.parametrize("point", range(0, 24, 5))
def test_an_interruption_leaves_no_account_with_an_unknown_password(tmp_path: Path, point: int) -> None:
    directory, table = MemoryDirectory(), tmp_path / "accounts.json"
    wanted = sample.read(SHIPPED, DOMAIN).agents
    directory.fail_after = point
    with pytest.raises(ConnectionError):
        accounts.seed_agents(directory, wanted, table)
    directory.fail_after = None
    report = accounts.seed_agents(directory, wanted, table)
    rows = json.loads(table.read_text("utf-8"))
    assert len(report.present) == point
    assert report.unknown == []
    assert all(directory.log_in(a.dn(directory.suffix), rows[a.uid]["password"]).ok for a in wanted)


def test_an_account_whose_password_is_not_known_is_told_and_left(tmp_path: Path) -> None:
    directory = MemoryDirectory()
    probes = accounts.probe_agents(DOMAIN, CLASSES)
    accounts.seed_agents(directory, probes, tmp_path / "one.json")
    before = {dn: dict(e.attributes) for dn, e in directory.entries.items()}
    assert accounts.seed_agents(directory, probes, tmp_path / "two.json").unknown == ["probe1", "probe2", "probe3"]
    assert {dn: dict(e.attributes) for dn, e in directory.entries.items()} == before


def test_probe_accounts_are_hidden() -> None:
    agents = accounts.probe_agents(DOMAIN, CLASSES)
    assert [(agent.uid, agent.hidden) for agent in agents] == [("probe1", True), ("probe2", True), ("probe3", True)]


def test_an_address_of_another_stops_the_seeding(tmp_path: Path) -> None:
    directory = MemoryDirectory()
    directory.add("cn=x,ou=lists,dc=ac-exemple,dc=test", {"mailLocalAddress": [f"probe1@{DOMAIN}"]})
    with pytest.raises(MallepostError, match="belongs to another entry"):
        accounts.seed_agents(directory, accounts.probe_agents(DOMAIN, CLASSES), tmp_path / "t.json")


def test_a_damaged_table_stops_before_anything_is_lost(tmp_path: Path) -> None:
    table = tmp_path / "t.json"
    table.write_text("{", "utf-8")
    directory = MemoryDirectory()
    with pytest.raises(InputError, match="cannot be read"):
        accounts.seed_agents(directory, accounts.probe_agents(DOMAIN, CLASSES), table)
    assert directory.entries == {}
    assert table.read_text("utf-8") == "{"


def test_a_secret_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no secret"):
        vault.read_text(tmp_path / "ldap-provision")


def test_the_way_to_the_directory() -> None:
    facts = {
        "malleposte_domain": "Ac-Exemple.test",
        "ansible_host": "192.0.2.1",
        "ansible_user": "root",
        "ansible_port": 2222,
        "ansible_ssh_private_key_file": "/k",
        "ansible_ssh_common_args": "-o 'UserKnownHostsFile=/a b'",
    }
    listing = {"directory": {"hosts": ["d1"]}, "_meta": {"hostvars": {"d1": facts}}}
    place = reach.place_of(listing, Path("inv"))
    assert place.suffix == "dc=ac-exemple,dc=test"
    assert place.ssh[-1] == "root@192.0.2.1"
    assert {"ControlMaster=no", "2222", "/k", "UserKnownHostsFile=/a b"} <= set(place.ssh)
    below = {"directory": {"children": ["writers"]}, "writers": {"hosts": ["d1"]}, "_meta": listing["_meta"]}
    assert reach.place_of(below, Path("inv")) == place, "of a group below it"
    with pytest.raises(InputError, match="no host in the group directory"):
        reach.place_of({}, Path("inv"))


def test_a_box_that_nobody_opens_yet_gets_the_sample_s_delegates_and_no_other_is_touched(tmp_path):
    directory = MemoryDirectory()
    bare = FunctionalBox("dsi", "Exploitation", "dsi@ac-exemple.test")
    opened = FunctionalBox("dmarc", "Rapports", "dmarc@ac-exemple.test", delegates=("autre",))
    for box in (bare, opened):
        directory.add(box.dn(directory.suffix), box_attributes(box))
    wanted = [replace(bare, name="DSI", delegates=("cmartin",)), replace(opened, name="DMARC", delegates=("cmartin",))]
    report = seed.seed_boxes(directory, wanted, tmp_path / "accounts.json")
    assert report.present == ["dsi", "dmarc"]
    held = {e.attributes["uid"][0]: e.attributes for e in directory.search("functional", ["uid", "cn", "mpDelegate"])}
    assert (held["dsi"]["cn"], held["dsi"]["mpDelegate"]) == (["DSI"], ["cmartin"])
    assert (held["dmarc"]["cn"], held["dmarc"]["mpDelegate"]) == (["Rapports"], ["autre"])
