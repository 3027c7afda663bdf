"""The inventory, and the connection from the controller to the hosts."""

from pathlib import Path

import pytest
from malleposte.core.errors import InputError, MallepostError
from malleposte.fleet import remote, ssh
from malleposte.probe import facts

LISTED = {
    "malleposte": {"children": ["mail", "web", "vault"]},
    "mail": {"hosts": ["mail1"]},
    "web": {"hosts": ["mail1", "pia1"]},
    "vault": {"hosts": ["vault1"]},
    "_meta": {"hostvars": {"mail1": {"ansible_host": "192.0.2.1", "ansible_user": "root", "ansible_port": 2222}}},
}


def test_hosts_of_a_group_come_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "listing", lambda _inventory: LISTED)
    found = remote.places(remote.Path("x"), "malleposte", but="vault")
    assert [place.name for place in found] == ["mail1", "pia1"]
    assert found[0].argv(["backup", "list", "--source", "a b"])[-2:] == [
        "root@192.0.2.1",
        "malleposte backup list --source 'a b'",
    ]
    assert "2222" in found[0].ssh
    with pytest.raises(InputError, match="no host 'vault1'; known are mail1, pia1"):
        remote.places(remote.Path("x"), "malleposte", but="vault", only=["vault1"])


def test_without_vaults_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "listing", lambda _inventory: LISTED)
    assert [place.name for place in remote.backed_up(remote.Path("x"))] == ["mail1", "pia1"]
    monkeypatch.setattr(remote, "listing", lambda _inventory: {**LISTED, "vault": {"hosts": []}})
    with pytest.raises(InputError, match="nothing is backed up, for the group vault has no host; add hosts to it"):
        remote.backed_up(remote.Path("x"))


HOSTS = """
all:
  vars:
    ansible_user: root
    kept: !vault |
      $ANSIBLE_VAULT;1.1;AES256
      3131
  children:
    malleposte:
      vars: {malleposte_domain: "ac-{{ name }}.test", name: exemple, empty: ""}
      children:
        mail: {hosts: {mail1: {ansible_host: 192.0.2.1, ansible_port: 2222}}}
    vantage:
      hosts: {world: {vantage_domain: lointain.test, malleposte_antivirus: WRONG}}
"""


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    path = tmp_path / "hosts.yml"
    path.write_text(HOSTS.replace("WRONG", "true"))
    return path


def test_an_inventory_is_told_as_ansible_reads_it(inventory: Path) -> None:
    told = remote.listing(inventory)
    assert told["malleposte"] == {"hosts": [], "children": ["mail"]}
    assert remote.members(told, "malleposte") == ["mail1"]
    known = told["_meta"]["hostvars"]
    assert set(known) == {"mail1", "world"}
    assert (known["mail1"]["malleposte_domain"], known["mail1"]["empty"]) == ("ac-{{ name }}.test", "")
    assert "kept" not in known["mail1"], "what ansible-vault keeps shut stays so"
    assert remote.one(inventory, "mail").ssh[-3:] == ("-p", "2222", "root@192.0.2.1")


def test_a_group_without_hosts_is_said(inventory: Path) -> None:
    with pytest.raises(InputError, match=r"hosts\.yml: no host in the group vault"):
        remote.one(inventory, "vault")


def test_the_probe_is_told_what_the_templates_say(inventory: Path) -> None:
    found = facts.host_facts(inventory)
    assert set(found) == {"mail1", "world"}
    assert (found["mail1"]["domain"], found["mail1"]["port"]) == ("ac-exemple.test", 2222)
    assert found["world"]["antivirus"] is True
    assert ssh.words(found["world"])[-1] == "root@world"


def test_a_fact_of_the_probe_that_cannot_be_told_names_its_host(inventory: Path) -> None:
    inventory.write_text(HOSTS.replace("WRONG", "'{{ 1 / 0 }}'"))
    with pytest.raises(facts.FactsError, match=r"world: .*division"):
        facts.host_facts(inventory)


def test_ssh_goes_as_ansible_does() -> None:
    given = {"host": "192.0.2.1", "user": "root", "port": 2222, "key": "/k", "ssh_args": "-o 'A=b c' "}
    argv = ssh.words(given)
    assert argv[-5:] == ["-i", "/k", "-o", "A=b c", "root@192.0.2.1"]
    assert "2222" in argv


def test_what_is_not_said_is_left_to_ssh() -> None:
    argv = ssh.words(ssh.way({}, "mail1"), patience=3, more=ssh.OWN)
    assert argv == ["ssh", *ssh.OWN, "-o", "BatchMode=yes", "-o", "ConnectTimeout=3", "mail1"]


REACH = "web1 cannot be reached over ssh"
NO_ROUTE = "connect to host 192.0.2.1 port 22: No route to host"
DENIED = "root@192.0.2.1: Permission denied (publickey)."


@pytest.mark.parametrize(
    ("complaint", "message", "hint"),
    [
        ("", REACH, "start it, then"),
        (f"ssh: {NO_ROUTE}", f"{REACH}: {NO_ROUTE}", "start it, then"),
        (f"@@@\n{DENIED}", f"{REACH}: {DENIED}", "look at its user, key and host key in the inventory, then"),
    ],
)
def test_a_host_out_of_reach_is_one_line_with_ssh_s_reason(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], complaint: str, message: str, hint: str
) -> None:
    """ssh writes its own complaints into a file; those of the program there pass through."""
    program = tmp_path / "ssh"
    program.write_text(f"#!/bin/sh\nprintf '%s\\n' '{complaint}' >$2\necho there >&2\nexit 255\n")
    program.chmod(0o755)
    listed = {"web": {"hosts": ["web1"]}}
    (place,) = remote.chosen(listed, "web")
    option = place.ssh.index("-E")
    place = remote.Place("web1", (str(program), *place.ssh[option:]))
    with pytest.raises(MallepostError) as failed:
        place.run(["status"])
    assert (failed.value.message, failed.value.hint) == (message, f"{hint} type this again")
    assert capfd.readouterr().err == "there\n"
    program.write_text("#!/bin/sh\nexit 4\n")
    assert place.run(["status"]) == 4
