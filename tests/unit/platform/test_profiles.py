"""Classes of service come from the facts alone: a third one, from the inventory to every place that asks."""

import datetime
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from malleposte.accounts import feed, life
from malleposte.accounts.agendas import Moved, Stores
from malleposte.accounts.credentials.digests import Keyring
from malleposte.accounts.feed import values
from malleposte.accounts.hosts.acts import agendas, mailbox
from malleposte.accounts.hosts.local import LocalHost
from malleposte.accounts.life.rules import LifeRules
from malleposte.accounts.mailbox import filters
from malleposte.accounts.plan import declare
from malleposte.accounts.plan.build import Rules, plan
from malleposte.accounts.plan.current import Current
from malleposte.check import run
from malleposte.check.findings import Level
from malleposte.check.offline import Reader
from malleposte.check.sources import read
from malleposte.check.specs import all_specs
from malleposte.core.errors import InputError
from malleposte.core.paths import ROOT
from malleposte.fleet.site import Site
from malleposte.platform import facts, mailstore, profiles
from malleposte.platform.classes import ClassError, Classes
from malleposte.probe.accounts import probe_agents

from tests.support.classes import CLASSES, THIRD, THREE
from tests.support.directory import MemoryDirectory
from tests.support.inventories import copied
from tests.unit.accounts.test_agendas import Memory, agenda, event

NOW = datetime.datetime(2026, 9, 1, 6, tzinfo=datetime.UTC)
WIRED = (
    "openldap_profiles", "sogo_profiles", "dav_profiles", "dovecot_profiles", "dovecot_extra_login_fields",
    "rspamd_outbound_limits", "platform_facts",
)  # fmt: skip


def inventory(folder: Path, said: Mapping[str, Any]) -> Path:
    """The standalone inventory with these facts too."""
    copied(folder)
    (folder / "group_vars/malleposte/more.yml").write_text(yaml.safe_dump(dict(said)), "utf-8")
    return folder


@pytest.fixture(scope="module")
def wired(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The wiring of an inventory with a third class."""
    where = inventory(tmp_path_factory.mktemp("third") / "mine", {"malleposte_profiles": dict(THIRD)})
    assert [one.text() for one in run.check(where, online=False).findings if one.level is Level.WRONG] == []
    reader = Reader(read(where), Site(where), all_specs())
    with reader.site.rehearsal():
        variables = reader.site.variables("mail1")
        return {name: reader.site.template("mail1", variables[name]) for name in WIRED}


@pytest.fixture
def host(wired: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LifeRules:
    """A host with that platform.json, an agent's box with SOGo's filters in it."""
    (tmp_path / "platform.json").write_text(json.dumps(wired["platform_facts"]), "utf-8")
    monkeypatch.setattr(profiles, "FILE", tmp_path / "platform.json")
    rules = LifeRules(store=tmp_path / "mail", radicale=tmp_path / "dav")
    home = mailstore.home_of("mdupond", rules.store)
    (home / "sieve").mkdir(parents=True)
    (home / "sieve/sogo.sieve").write_text("keep;\n")
    (home / ".dovecot.sieve").symlink_to("sieve/sogo.sieve")
    return rules


def test_roles_learn_a_third_class_from_the_facts(wired: dict[str, Any]) -> None:
    assert wired["openldap_profiles"] == ["convergence", "mixte", "roundcube"]
    assert wired["sogo_profiles"] == ["convergence", "mixte"]
    assert wired["dav_profiles"] == {"convergence": "sogo", "mixte": "sogo", "roundcube": "radicale"}
    assert wired["dovecot_profiles"]["mixte"] == {"quota_mb": 8000}
    assert wired["dovecot_profiles"]["roundcube"] == {"quota_mb": 2500}, "an entry without a quota keeps the default's"
    assert wired["dovecot_extra_login_fields"]["profile"] == "%{ldap:mpProfile | default('roundcube')}"
    assert wired["rspamd_outbound_limits"]["mixte"] == {"hour": 300}
    assert wired["rspamd_outbound_limits"]["functional"]["minute"] == 2000


@pytest.mark.parametrize(("names", "taken"), [(["convergence", "mixte"], ["mixte"]), ([], ["mixte", "autre-9"])])
def test_the_directory_takes_the_classes_of_the_facts(names: list[str], taken: list[str]) -> None:
    from jinja2 import Environment

    template = (ROOT / "roles/openldap/templates/etc/ldap/slapd.d.ldif.j2").read_text("utf-8")
    line = next(line for line in template.splitlines() if line.startswith("olcConstraintAttribute: mpProfile"))
    rule = Environment(autoescape=False).from_string(line).render(openldap_profiles=names).split(" regex ")[1]  # noqa: S701
    assert all(re.search(rule, name) for name in taken)
    assert not re.search(rule, "Mixte") and not re.search(rule, "mixte|x")
    assert bool(re.search(rule, "roundcube")) is (not names)


def test_a_host_knows_the_classes_of_its_facts(host: LifeRules) -> None:
    found = profiles.read()
    assert (sorted(found), found.default) == (["convergence", "mixte", "roundcube"], "roundcube")
    assert found["mixte"].stores == ("sogo", "roundcube")
    assert profiles.labels("fr")["mixte"] == "Messagerie légère et agenda partagé"
    with pytest.raises(InputError, match="no class 'leger'") as told:
        profiles.class_called(found, "leger")
    assert told.value.hint == "known are convergence, mixte, roundcube"


@pytest.mark.parametrize("word", ["mixte", "MIXTE", "Direction", "light mail and shared agenda"])
def test_a_feed_may_name_it_by_any_of_its_words(word: str) -> None:
    content = f"NUMEN;Nom;Prénom;Profil\n01E9500001ABC;Dupond;Marie;{word}\n".encode()
    source = feed.read(content, "a.csv", classes=THREE)
    directory = MemoryDirectory("dc=ac-exemple,dc=test")
    rules = Rules("ac-exemple.test", THREE.default)
    made = plan(source, Current(directory), Keyring("k1", {"k1": b"1" * 32}), rules, NOW)
    assert [change.after["mpProfile"] for change in made.changes] == [["mixte"]]
    with pytest.raises(values.BadValueError, match=r"no class of service \(convergence or roundcube\)"):
        values.profile(word, CLASSES)


def test_it_may_be_declared_and_changed_to(host: LifeRules) -> None:
    directory = MemoryDirectory("dc=ac-exemple,dc=test")
    classes = profiles.read()
    house = declare.House(directory.suffix, "ac-exemple.test", list(classes), classes.default, (), str)
    told = {"uid": "mdupond", "given_name": "Marie", "surname": "Dupond", "profile": "mixte"}
    (made,) = declare.changes(declare.Declared.parse(told), None, house, NOW)
    assert made.after["mpProfile"] == ["mixte"]
    directory.add(made.dn, made.after)
    (entry,) = directory.search("people", ["uid", "mpProfile"], {"uid": "mdupond"})
    (changed,) = life.profile(entry, "convergence")
    assert (changed.before, changed.after) == ({"mpProfile": ["mixte"]}, {"mpProfile": ["convergence"]})
    with pytest.raises(InputError, match="no class 'leger'"):
        declare.changes(declare.Declared.parse(told | {"profile": "leger"}), None, house, NOW)


def test_its_filters_and_agendas_follow(host: LifeRules, monkeypatch: pytest.MonkeyPatch) -> None:
    local = LocalHost(host)
    assert mailbox.carry(local, "mdupond", "convergence") == "", "SOGo's filters are its own"
    assert mailbox.carry(local, "mdupond", "mixte") == "sogo", "its webmail is Roundcube"
    assert filters.read(mailstore.home_of("mdupond", host.store)).carried
    with pytest.raises(InputError, match="no class 'leger'"):
        mailbox.carry(local, "mdupond", "leger")
    stores = Memory("sogo"), Memory("radicale", agenda(event("a"))), Memory("roundcube")
    monkeypatch.setattr(LocalHost, "agendas", lambda _self: Stores(stores, profiles.read()))
    assert agendas.settle(local, "mdupond", "mixte") == Moved(agenda=1)
    assert (stores[0].keys(), stores[1].keys()) == (["a"], [])
    assert local.agendas().astray({"mdupond": "mixte"}) == []
    assert local.agendas().astray({"mdupond": "roundcube"}) == ["mdupond"]


def test_the_probe_s_accounts_have_both_stores_where_there_are_both() -> None:
    assert [one.profile for one in probe_agents("ac-exemple.test", THREE)] == ["convergence", "roundcube", "roundcube"]
    alone = facts.classes({"malleposte_profiles": {"roundcube": {}}}, "test")
    assert [one.profile for one in probe_agents("ac-exemple.test", alone)] == ["roundcube", "roundcube", "roundcube"]


GOOD = {"mail": "roundcube", "agenda": "radicale", "quota_mb": 10}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, "one class at least"),
        ({"a": 3}, "keys and values"),
        ({"a": GOOD | {"mail": "imp"}}, "none of sogo, roundcube"),
        ({"a": GOOD | {"agenda": "davical"}}, "none of sogo, radicale"),
        ({"a": GOOD | {"mail": "sogo"}}, "SOGo's agenda alone"),
        ({"a": GOOD | {"quota_mb": True}}, "no number of MB"),
        ({"A": GOOD}, "small letters"),
        ({"a": GOOD, "b": GOOD}, "no class is the default"),
        ({"a": GOOD | {"default": True}, "b": GOOD | {"default": True}}, "a is the default already"),
        ({"a": GOOD | {"default": True}, "b": GOOD | {"synonyms": ["A"]}}, "means the class a already"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(table: dict[str, Any], said: str) -> None:
    assert Classes.parse({"a": GOOD}).default == "a"
    with pytest.raises(ClassError, match=said):
        Classes.parse(table)


def test_facts_that_are_none_are_told(tmp_path: Path) -> None:
    for content, said in (("{", "not the platform's facts"), ("[]", "not the platform.s facts"), ("{}", "no classes")):
        (tmp_path / "platform.json").write_text(content)
        with pytest.raises(InputError, match=said):
            profiles.read(tmp_path / "platform.json")
    with pytest.raises(InputError, match="No such file"):
        profiles.read(tmp_path / "none.json")


# --- defaults ---


def test_what_is_said_is_completed_and_never_replaced() -> None:
    names = {"domain": "ac-exemple.test", "operator": "dsi@ac-exemple.test"}
    hostnames = facts.resolved("malleposte_hostnames", {"dav": "nuage.ac-exemple.test"}, names)
    assert (hostnames["dav"], hostnames["mail"]) == ("nuage.ac-exemple.test", "mail.ac-exemple.test")
    tls = facts.resolved("malleposte_tls", {"source": "internal_ca"}, names)
    assert (tls["source"], tls["contact"], tls["caa"]) == ("internal_ca", "dsi@ac-exemple.test", [])
    assert facts.resolved("malleposte_antivirus", None) is False
    assert facts.resolved("malleposte_antivirus", value=True) is True
    assert facts.resolved("malleposte_password_policy", {"history": 0})["history"] == 0
    assert facts.resolved("malleposte_dns", {"forwarders": None})["forwarders"] is None, "the check says so"


def test_a_default_made_of_nothing_is_none() -> None:
    assert facts.resolved("malleposte_hostnames", None) == {}
    assert "contact" not in facts.resolved("malleposte_tls", None, {"operator": ""})


def test_a_template_s_own_places_stay() -> None:
    names = {"domain": "ac-exemple.test"}
    assert facts.resolved("malleposte_signature", None, names) == "{name}\n{function}\n{school}"
    assert facts.resolved("malleposte_signature", "", names) == "", "none where none is wanted"


def test_the_names_that_are_given_are_all_the_classes() -> None:
    assert sorted(facts.classes({"malleposte_profiles": {"roundcube": {"quota_mb": 9}}}, "x")) == ["roundcube"]
    limits = facts.resolved("malleposte_outbound_limits", {"functional": {"hour": 5}})
    assert limits == {"functional": {"warn_5_minutes": 1000, "minute": 2000, "hour": 5, "day": 10000}}


def test_a_minimal_inventory_is_enough(tmp_path: Path) -> None:
    """Values that the site alone can give; every variable of every host can be evaluated."""
    where = inventory(tmp_path / "mine", {})
    needed = {
        "malleposte_domain": "ac-exemple.test",
        "malleposte_academy_name": "académie d’Exemple",
        "malleposte_networks": {"admin": ["192.0.2.0/24"]},
        "malleposte_operators": ["dsi@ac-exemple.test"],
        "malleposte_support": {"phone": "1", "mail": "aide@ac-exemple.test", "hours": "toujours"},
        "malleposte_mail": {"message_size_mb": 31},
    }
    (where / "group_vars/malleposte/platform.yml").write_text(yaml.safe_dump(needed), "utf-8")
    assert [one.text() for one in run.check(where, online=False).findings if one.level is Level.WRONG] == []
    reader = Reader(read(where), Site(where), all_specs())
    roles = {name for options in reader.declared.roles.values() for name in options}
    with reader.site.rehearsal():
        variables = reader.site.variables("mail1")
        late = re.compile(r"ansible_facts|hostvars|__wiring_(hosts|published|academy|other|backup|vault)")
        told = {
            name: reader.site.template("mail1", raw)
            for name, raw in variables.items()
            if name in roles and not name.startswith("world_") and not late.search(str(raw))
        }
    assert len(told) > 150
    assert told["acme_directory"] == "https://acme-v02.api.letsencrypt.org/directory"
    assert told["acme_contact"] == "dsi@ac-exemple.test"
    assert (told["rspamd_max_parts"], told["rspamd_max_depth"], told["rspamd_max_header_kb"]) == (1000, 25, 256)
    assert told["platform_facts"]["hostnames"]["portal"] == "pia.ac-exemple.test"
    scanned = told["clamav_max_mb"], told["rspamd_antivirus_max_mb"]
    assert (*scanned, told["postfix_message_size_limit"]) == (31, 31, 31 * 1048576), (
        "no mail is too large to be scanned"
    )
    assert told["sogo_jwt_secret"] != told["sogo_secret"]
