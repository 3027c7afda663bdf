"""Secrets changed for new ones: files, order of the steps, and the resumption of a run. No host is asked."""

import json
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.academie.malleposte.plugins.module_utils import rotation as state_of
from malleposte.core.errors import InputError, MallepostError
from malleposte.core.paths import ROOT
from malleposte.rotation import kinds, run
from malleposte.rotation.store import Store, kind_of

NOW = datetime(2026, 11, 25, 17, 0, tzinfo=UTC)


class FakeSite:
    """An inventory with a mail host and a vault, and no lab."""

    def members(self, group: str) -> list[str]:
        return {"mail": ["mail1"], "vault": ["vault1.ac-exemple.test"]}.get(group, [])

    def template(self, host: str, value: str) -> str:
        if "token_seconds" in value:
            return "300"
        return "mp1" if "selector" in value else "ac-exemple.test"


class Hosts:
    """The values that deployments would have given to the hosts: the tags, and the old secrets still accepted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.deploys: list[tuple[Sequence[str], set[str]]] = []
        self.fails = 0

    def deploy(self, tags: Sequence[str]) -> None:
        if self.fails:
            self.fails -= 1
            raise MallepostError("the deploy failed")
        self.deploys.append((list(tags), set(state_of.earlier(state_of.read(self.folder), self.folder, "ldap-"))))


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[run.Rotation, Hosts]:
    monkeypatch.setattr(run.playbook, "VAR", tmp_path / "var")
    folder = tmp_path / "inventory" / "secrets"
    folder.mkdir(parents=True)
    secrets = state_of_store(folder)
    for name in ("ldap-dovecot", "ldap-postfix", "rspamd-write", "digest-key-k1", "world-dns", "borg-mail1-vault1"):
        secrets.get(name)
    secrets.get("dkim-mp1-ac-exemple.test", "rsa2048")
    hosts = Hosts(folder)
    store = Store(folder.parent, lambda: NOW)
    turn = run.Rotation(folder.parent, FakeSite(), store, lambda _line: None, hosts.deploy)  # type: ignore[arg-type]
    return turn, hosts


def state_of_store(folder: Path) -> Any:
    from ansible_collections.academie.malleposte.plugins.module_utils.secret_store import SecretStore

    return SecretStore(folder)


def test_a_directory_password_is_accepted_beside_the_old_one_until_its_reader_has_it(made: Any) -> None:
    turn, hosts = made
    old = turn.store.text("ldap-dovecot")
    left = turn.run(turn.chosen(["ldap-dovecot"]))
    assert hosts.deploys == [(["dovecot", "openldap"], {"dovecot"}), (["openldap"], set())]
    assert left == []
    new = turn.store.text("ldap-dovecot")
    assert new != old and len(new.strip()) == 32
    kept = turn.store.folder / "replaced/ldap-dovecot.20261125T170000Z"
    assert kept.read_text() == old
    assert kept.stat().st_mode & 0o777 == 0o600
    assert (turn.store.folder / "ldap-dovecot").stat().st_mode & 0o777 == 0o600
    assert turn.store.state == {}


@dataclass
class Signing:
    """A platform whose signing key is changed: the public keys that each deploy brings, and what was waited for."""

    turn: run.Rotation
    folder: Path
    seen: list[tuple[list[str], int]]
    waited: list[float]

    def deploy(self, tags: Sequence[str]) -> None:
        earlier = state_of.earlier_files(state_of.read(self.folder), "sso-signing")
        self.seen.append((list(tags), len(earlier)))


@pytest.fixture
def signing(made: Any) -> Signing:
    turn, hosts = made
    state_of_store(hosts.folder).get("sso-signing", "rsa3072")
    found = Signing(turn, hosts.folder, [], [])
    turn.deploy, turn.wait = found.deploy, found.waited.append
    return found


ROLES = ["accountd", "dovecot", "lemonldap"]


def test_a_signing_key_proves_what_it_signed_until_that_has_ended(signing: Signing) -> None:
    old = signing.turn.store.text("sso-signing")
    signing.turn.run(["sso-signing"])
    assert signing.seen == [(ROLES, 1), (ROLES, 0)]
    assert signing.waited == [300 + run.MARGIN]
    assert signing.turn.store.text("sso-signing") != old
    assert signing.turn.store.state == {"since": {"sso-signing": f"{NOW:%Y-%m-%d}"}}


def test_a_stolen_signing_key_is_waited_for_by_nobody(signing: Signing) -> None:
    signing.turn.run(["sso-signing"], at_once=True)
    assert (signing.seen[-1], signing.waited) == ((ROLES, 0), [])


def test_stopped_while_it_waits_it_goes_on_with_the_same_key(signing: Signing) -> None:
    def stopped(_seconds: float) -> None:
        raise KeyboardInterrupt

    signing.turn.wait = stopped
    with pytest.raises(KeyboardInterrupt):
        signing.turn.run(["sso-signing"])
    new = signing.turn.store.text("sso-signing")
    assert signing.turn.store.begun == {"sso-signing"}
    signing.turn.wait = signing.waited.append
    signing.turn.run(["sso-signing"])
    assert signing.turn.store.text("sso-signing") == new
    assert (signing.seen[-1], len(signing.waited)) == ((ROLES, 0), 1)


def test_a_signing_key_is_due_after_a_year_and_passwords_never(signing: Signing) -> None:
    signing.turn.store.note(since={"sso-signing": "2025-11-26"})
    assert signing.turn.due(date(2026, 11, 25)) == []
    assert signing.turn.due(date(2026, 11, 26)) == ["sso-signing"]
    signing.turn.run(["sso-signing"])
    assert signing.turn.due(date(2026, 11, 26)) == []


def test_a_key_that_was_never_changed_is_as_old_as_its_file(signing: Signing) -> None:
    made_at = datetime(2025, 1, 2, 12, tzinfo=UTC)
    os.utime(signing.folder / "sso-signing", (made_at.timestamp(), made_at.timestamp()))
    assert state_of.since({}, signing.folder, "sso-signing") == made_at.date()
    assert state_of.since({}, signing.folder, "missing") is None
    assert signing.turn.age("sso-signing", date(2025, 1, 12)) == 10


def test_one_that_nobody_accepts_twice_takes_one_deploy(made: Any) -> None:
    turn, hosts = made
    turn.run(["rspamd-write"])
    assert hosts.deploys == [(["rspamd"], set())]


@pytest.mark.parametrize("fails", [1, 2])
@pytest.mark.parametrize("again", ["ldap-dovecot", "ldap-postfix"])
def test_interrupted_it_goes_on_with_the_same_secret(made: Any, fails: int, again: str) -> None:
    turn, hosts = made
    old = turn.store.text("ldap-dovecot")
    done: Callable[[Sequence[str]], None] = hosts.deploy
    count = 0

    def broken(tags: Sequence[str]) -> None:
        nonlocal count
        count += 1
        if count == fails:
            raise MallepostError("the power went")
        done(tags)

    turn.deploy = broken
    with pytest.raises(MallepostError, match="power"):
        turn.run(["ldap-dovecot"])
    new = turn.store.text("ldap-dovecot")
    assert new != old
    turn.deploy = done
    # Typed again, also for another secret: what was begun comes to its end, with no other secret in between.
    names = turn.chosen([again])
    turn.run(names)
    assert turn.store.text("ldap-dovecot") == new
    kept = sorted(path.name for path in (turn.store.folder / "replaced").iterdir())
    assert kept == [f"{name}.20261125T170000Z" for name in sorted({"ldap-dovecot", again})]
    assert hosts.deploys[-1] == (["openldap"], set())
    assert turn.store.state == {}


def test_between_the_state_and_the_file_a_stop_loses_nothing(made: Any) -> None:
    turn, _hosts = made
    old = turn.store.text("ldap-dovecot")
    turn.store.begin("ldap-dovecot")
    new = turn.store.text("ldap-dovecot")
    (turn.store.folder / "ldap-dovecot").write_text(old)  # the state was written, the new secret was not
    turn.store.begin("ldap-dovecot")
    assert turn.store.text("ldap-dovecot") not in (old, new)
    assert turn.store.old("ldap-dovecot") == old
    turn.store.begin("ldap-dovecot")
    assert len(list((turn.store.folder / "replaced").iterdir())) == 1


def test_a_numens_key_is_added_and_the_old_one_goes_when_no_digest_is_left(made: Any, monkeypatch: Any) -> None:
    turn, hosts = made
    first = turn.store.text("digest-key-k1")
    left = turn.run(["digest-key-k1"])
    assert state_of.digest_keys(turn.store.state) == ["k1", "k2"]
    assert turn.store.text("digest-key-k1") == first
    assert turn.store.text("digest-key-k2") != first
    assert "secrets retire digest-key-k1" in left[0]
    assert hosts.deploys == [(["accountd", "accounts"], set())]
    assert "digest-key-k1" not in turn.in_use() and "digest-key-k2" in turn.in_use()

    monkeypatch.setattr(turn, "count_digests", lambda key: 3)
    with pytest.raises(InputError, match="3 digests"):
        turn.retire("digest-key-k1")
    assert turn.store.text("digest-key-k1") == first
    monkeypatch.setattr(turn, "count_digests", lambda key: 0)
    turn.retire("digest-key-k1")
    assert state_of.digest_keys(turn.store.state) == ["k2"]
    assert not (turn.store.folder / "digest-key-k1").exists()
    assert (turn.store.folder / "replaced/digest-key-k1.20261125T170000Z").read_text() == first
    with pytest.raises(InputError, match="not an old key"):
        turn.retire("digest-key-k2")


def test_a_dkim_key_is_published_before_it_signs_and_the_old_one_stays(made: Any, monkeypatch: Any) -> None:
    turn, hosts = made
    monkeypatch.setattr(turn, "is_published", lambda selector: False)
    (told,) = turn.run(["dkim-mp1-ac-exemple.test"])
    assert "publish it" in told and "mp2._domainkey.ac-exemple.test" in told
    assert state_of.dkim(turn.store.state, "mp1") == {"signing": "mp1", "published": ["mp1", "mp2"]}
    assert "PRIVATE KEY" in turn.store.text("dkim-mp2-ac-exemple.test")
    assert hosts.deploys == []

    (told,) = turn.run(["dkim-mp1-ac-exemple.test"])  # too soon: the same key waits
    assert state_of.dkim(turn.store.state, "mp1")["published"] == ["mp1", "mp2"]
    with pytest.raises(InputError, match="not an old key"):
        turn.retire("dkim-mp1-ac-exemple.test")

    monkeypatch.setattr(turn, "is_published", lambda selector: selector == "mp2")
    (told,) = turn.run(["dkim-mp1-ac-exemple.test"])
    assert "secrets retire dkim-mp1-ac-exemple.test" in told
    assert state_of.dkim(turn.store.state, "mp1") == {"signing": "mp2", "published": ["mp1", "mp2"]}
    assert hosts.deploys == [(["rspamd"], set())]

    turn.retire("dkim-mp1-ac-exemple.test")
    assert state_of.dkim(turn.store.state, "mp1") == {"signing": "mp2", "published": ["mp2"]}
    assert "dkim-mp2-ac-exemple.test" in turn.in_use()


@pytest.mark.parametrize("name", ["digest-key-k1", "dkim-mp1-ac-exemple.test"])
def test_a_key_whose_successor_no_deploy_brought_is_not_changed_twice(made: Any, monkeypatch: Any, name: str) -> None:
    turn, hosts = made
    monkeypatch.setattr(turn, "is_published", lambda selector: True)
    hosts.fails = 1
    with pytest.raises(MallepostError, match="failed"):
        turn.run(turn.chosen([name]))
    state = turn.store.state
    turn.run(turn.chosen([name]))
    del state["owed"]
    assert turn.store.state == state
    assert len(hosts.deploys) == 1


@pytest.mark.parametrize("name", ["digest-key-k1", "dkim-mp1-ac-exemple.test"])
def test_all_typed_again_makes_no_second_successor_of_a_key(made: Any, monkeypatch: Any, name: str) -> None:
    """`--all` after an interruption: the successor is in use by then, and new."""
    turn, hosts = made
    monkeypatch.setattr(turn, "is_published", lambda selector: True)
    hosts.fails = 1
    with pytest.raises(MallepostError, match="failed"):
        turn.run(turn.chosen([name]))
    before = set(turn.store.names())
    turn.run([one for one in turn.chosen(turn.every()) if kinds.of(one).way is kinds.of(name).way])
    made_by_now = {one for one in set(turn.store.names()) - before if kinds.of(one).way is kinds.of(name).way}
    assert made_by_now == set()
    assert turn.store.begun == set()


def test_another_selector_in_the_inventory_begins_anew() -> None:
    state = {"dkim": {"from": "mp1", "signing": "mp2", "published": ["mp1", "mp2"]}}
    assert state_of.dkim(state, "autumn") == {"signing": "autumn", "published": ["autumn"]}


@pytest.mark.parametrize(
    ("name", "words"),
    [("world-dns", "lab's Internet"), ("nothing", "no secret in use"), ("../inventory", "no secret in use")],
)
def test_what_cannot_be_changed_is_refused_and_nothing_changes(made: Any, name: str, words: str) -> None:
    turn, hosts = made
    before = {path: path.read_text() for path in turn.store.folder.rglob("*") if path.is_file()}
    with pytest.raises(InputError, match=words):
        turn.chosen(["ldap-dovecot", name])
    assert {path: path.read_text() for path in turn.store.folder.rglob("*") if path.is_file()} == before
    assert hosts.deploys == []


def test_a_vault_changes_a_passphrase_before_the_deploy(made: Any, monkeypatch: Any) -> None:
    turn, hosts = made
    old = turn.store.text("borg-mail1-vault1").strip()
    sent: list[dict[str, str]] = []

    class Vault1:
        name = "vault1.ac-exemple.test"

        def printed(self, words: Sequence[str], content: bytes) -> bytes:
            assert words == ["vault", "passphrase"] and not hosts.deploys
            sent.append(json.loads(content))
            return b"mail1/system: changed\n"

    monkeypatch.setattr(run.remote, "places", lambda *_given: [Vault1()])
    turn.run(["borg-mail1-vault1"])
    new = turn.store.text("borg-mail1-vault1").strip()
    assert sent == [{"client": "mail1", "old": old, "new": new}] and new != old
    assert hosts.deploys == [(["borg_vault", "borgmatic"], set())]


@pytest.mark.parametrize("kind", ["password", "rsa2048", "rsa3072", "ec256", "ssh"])
def test_a_new_secret_has_the_form_of_the_old_one(tmp_path: Path, kind: str) -> None:
    assert kind_of(state_of_store(tmp_path).get("x", kind)) == kind


@pytest.mark.parametrize(("name", "next_one"), [("k1", "k2"), ("mp9", "mp10"), ("mail", "mail2"), ("2026", "2027")])
def test_names_go_on(name: str, next_one: str) -> None:
    assert run.following(name) == next_one


def wired() -> dict[str, set[str]]:
    """The secrets that the wiring names, with the roles whose variables use each."""
    text = (ROOT / "playbooks/group_vars/all/wiring.yml").read_text("utf-8")
    roles = {path.name for path in (ROOT / "roles").iterdir()}
    found: dict[str, set[str]] = {}
    for variable, value in yaml.safe_load(text).items():
        role = max((one for one in roles if variable.startswith(f"{one}_")), key=len, default="")
        names = set(re.findall(r"'academie\.malleposte\.secret', '([^']+)'", json.dumps(value)))
        names |= {f"ldap-{name}" for name in re.findall(r"openldap_passwords\.(\w+)", json.dumps(value))}
        for name in names:
            found.setdefault(name, set()).update({role} - {""})
    return found


def test_every_secret_of_the_wiring_can_be_changed_and_reaches_every_role_that_uses_it() -> None:
    found = wired()
    assert {"ldap-dovecot", "valkey", "rspamd-write", "sogo", "doveadm-api", "internal-ca"} <= set(found)
    wrong = {
        name: sorted(users - set(kinds.of(name).tags))
        for name, users in found.items()
        if kinds.of(name).way is kinds.Way.NEVER or users - set(kinds.of(name).tags)
    }
    assert wrong.pop("sso-totp") == ["lemonldap"], "opens what agents enrolled: never changed"
    assert wrong.pop("tools") == ["dovecot"], "opens what agents gave: never changed"
    assert {name: users for name, users in wrong.items() if not name.endswith("-")} == {}
    for prefix in ("dkim-mp1-x.test", "digest-key-k1", "accountd-pia1", "borg-ssh-a-b", "borg-a-b"):
        assert kinds.of(prefix).way is not kinds.Way.NEVER


def test_a_key_is_in_use_as_long_as_a_code_needs_it() -> None:
    """An INA code's value begins with its way and its end."""
    for value in ("k1:abc", "mail 20260901080000Z k1:abc", "letter 20260901080000Z k1:abc"):
        assert run.made_with(value, "k1")
        assert not run.made_with(value, "k2")
    assert not run.made_with("k1:x k2:abc", "k1")


def test_the_accounts_of_a_vault_s_probe_are_told_from_the_table_of_the_probe() -> None:
    assert kinds.of("probe-accounts.json").way is kinds.Way.PROBE
    assert kinds.of("probe-vault1-1").tags == ("accounts", "prober")
    assert kinds.of("pager-vault1").tags == ("pager",)
