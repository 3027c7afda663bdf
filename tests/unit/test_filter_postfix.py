"""Filters of the postfix role, and the check that stands between a mistake and the running service."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


def load(path: str) -> ModuleType:
    source = ROOT / path
    spec = importlib.util.spec_from_file_location(source.stem, source)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(source.stem, module)
    spec.loader.exec_module(module)
    return module


FILTERS = load("plugins/filter/postfix.py")
CHECK = load("roles/postfix/files/postfix_check.py")


def test_an_override_replaces_the_parameter_with_its_continuation_lines() -> None:
    text = "a = 1\nb = x,\n    y\n# note\nc = 2\n"
    assert FILTERS.postfix_override(text, {"b": "z"}) == "a = 1\n# note\nc = 2\n\n# Settings of this site\nb = z\n"


def test_an_override_of_something_new_is_appended_and_booleans_become_words() -> None:
    assert FILTERS.postfix_override("a = 1\n", {"z": True, "n": 3}).endswith("n = 3\nz = yes\n")
    assert FILTERS.postfix_override("a = 1\n", {}) == "a = 1\n"


@pytest.mark.parametrize("overrides", [{"a b": "x"}, {"a": "x\ny = 1"}, {"a": ["x"]}])
def test_an_override_that_cannot_stand_in_main_cf_is_refused(overrides: dict[str, object]) -> None:
    with pytest.raises(Exception, match="postfix_main_overrides"):
        FILTERS.postfix_override("", overrides)


def test_system_addresses_cover_each_domain_once() -> None:
    found = FILTERS.postfix_system_addresses(["root", "Abuse"], ["a.test", "A.test", "", "b.test"])
    assert found == ["root@a.test", "abuse@a.test", "root@b.test", "abuse@b.test"]


def test_refusals_are_one_inline_table() -> None:
    assert FILTERS.postfix_refusals(["A.test", "b.test"], "5.7.1 non") == (
        "inline:{ { a.test = 554 5.7.1 non }, { b.test = 554 5.7.1 non } }"
    )


def test_no_policy_service_adds_nothing() -> None:
    assert FILTERS.postfix_policy_service("") == ""
    assert "check_policy_service { unix:private/q" in FILTERS.postfix_policy_service("unix:private/q")


def test_lists_are_split_outside_braces() -> None:
    assert CHECK.split_list("a, b\tinline:{ {x = y z} } c") == ["a", "b", "inline:{ {x = y z} }", "c"]


def test_a_misspelt_parameter_is_named_with_its_neighbour() -> None:
    text = "postconf: warning: /x/main.cf: unused parameter: mesage_size_limit=1\n"
    assert list(CHECK.unused_parameters(text * 2, {"message_size_limit"})) == [
        "mesage_size_limit: no such parameter (did you mean message_size_limit?)"
    ]


DEFAULTS = {"n": "10", "t": "300s", "b": "yes", "s": "", "compatibility_level": "0"}


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("n", "abc", "n = abc: expected a whole number"),
        ("n", "-1", ""),
        ("t", "soon", "t = soon: expected a time such as 300s"),
        ("t", "5m", ""),
        ("b", "maybe", "b = maybe: expected yes or no"),
        ("s", "anything", ""),
        ("compatibility_level", "3.10", ""),
        ("smtpd_tls_security_level", "maybe", "smtpd_tls_security_level = maybe: expected one of encrypt, may, none"),
        ("milter_default_action", "tempfail", ""),
    ],
)
def test_values_are_judged_by_the_kind_of_their_default(name: str, value: str, problem: str) -> None:
    assert list(CHECK.wrong_values({name: value}, DEFAULTS)) == ([problem] if problem else [])


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("permit_mynetworks, check_sender_access inline:{ {a = REJECT b c} }, reject", ""),
        ("reject_unlisted_recipient, check_policy_service { unix:x, timeout=10s }", ""),
        ("reject_foo_bar", "no such restriction: reject_foo_bar"),
        ("permit_mynetwork", "did you mean permit_mynetworks?"),
        ("check_client_access", "lacks its argument"),
    ],
)
def test_restrictions(value: str, problem: str) -> None:
    found = list(CHECK.wrong_restrictions({"smtpd_recipient_restrictions": value}, set()))
    assert bool(found) == bool(problem)
    assert problem in "".join(found)


def test_maps_are_found_in_parameters_and_in_restrictions() -> None:
    values = {
        "virtual_alias_maps": "texthash:/a, proxy:ldap:/b",
        "smtpd_sender_restrictions": "check_sender_access cidr:/c, reject",
        "postscreen_cache_map": "lmdb:/d",
    }
    assert [item for _name, item in CHECK.maps_of(values)] == ["texthash:/a", "proxy:ldap:/b", "cidr:/c"]


def test_networks_and_milters() -> None:
    assert list(CHECK.wrong_networks({"mynetworks": "127.0.0.0/8, [::1]/128, cidr:/x"})) == []
    assert list(CHECK.wrong_networks({"mynetworks": "300.1.2.3/9"}))
    assert list(CHECK.wrong_milters({"smtpd_milters": "unix:a/b, inet:127.0.0.1:1"})) == []
    assert list(CHECK.wrong_milters({"smtpd_milters": "rspamd"}))
