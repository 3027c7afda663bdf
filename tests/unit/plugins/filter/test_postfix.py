"""Filters of the postfix role."""

import pytest
from ansible_collections.academie.malleposte.plugins.filter import postfix


def test_an_override_replaces_the_parameter_with_its_continuation_lines() -> None:
    text = "a = 1\nb = x,\n    y\n# note\nc = 2\n"
    assert postfix.postfix_override(text, {"b": "z"}) == "a = 1\n# note\nc = 2\n\n# Settings of this site\nb = z\n"


def test_an_override_of_something_new_is_appended_and_booleans_become_words() -> None:
    assert postfix.postfix_override("a = 1\n", {"z": True, "n": 3}).endswith("n = 3\nz = yes\n")
    assert postfix.postfix_override("a = 1\n", {}) == "a = 1\n"


@pytest.mark.parametrize("overrides", [{"a b": "x"}, {"a": "x\ny = 1"}, {"a": ["x"]}])
def test_an_override_that_cannot_stand_in_main_cf_is_refused(overrides: dict[str, object]) -> None:
    with pytest.raises(Exception, match="postfix_main_overrides"):
        postfix.postfix_override("", overrides)


def test_system_addresses_cover_each_domain_once() -> None:
    found = postfix.postfix_system_addresses(["root", "Abuse"], ["a.test", "A.test", "", "b.test"])
    assert found == ["root@a.test", "abuse@a.test", "root@b.test", "abuse@b.test"]


def test_refusals_are_one_inline_table() -> None:
    assert postfix.postfix_refusals(["A.test", "b.test"], "5.7.1 non") == (
        "inline:{ { a.test = 554 5.7.1 non }, { b.test = 554 5.7.1 non } }"
    )


def test_addresses_that_a_daemon_takes_come_before_what_the_directory_says() -> None:
    text = postfix.postfix_taken(["Dmarc@a.test", "dmarc@a.test", "tls@a.test"])
    assert text == "check_recipient_access inline:{ { dmarc@a.test = OK }, { tls@a.test = OK } },\n    "
    assert postfix.postfix_taken([]) == ""


def test_rights_let_through_what_is_given_and_refuse_the_rest() -> None:
    text = postfix.postfix_rights(["@Pia1.a.test", "x@a.test"])
    assert "inline:{ { <> = OK }, { pia1.a.test = OK }, { x@a.test = OK } }" in text
    assert "static:{554 5.7.1 " in text
    assert postfix.postfix_rights(["*"]) == ""


def test_a_host_sends_as_itself_the_operators_and_what_it_is_given() -> None:
    addresses = {"pia1.lab": "192.0.2.1", "dir.lab": ["192.0.2.2", "2001:db8::2"]}
    more = {"dir.lab": ["p@a.test"]}
    rows = postfix.postfix_hosts(["pia1.lab", "dir.lab"], addresses, "a.test", ["dsi@a.test"], more)
    assert rows == [
        {"name": "dir.a.test", "addresses": ["192.0.2.2", "2001:db8::2"],
         "senders": ["@dir.a.test", "dsi@a.test", "p@a.test"]},
        {"name": "pia1.a.test", "addresses": ["192.0.2.1"], "senders": ["@pia1.a.test", "dsi@a.test"]},
    ]  # fmt: skip
    assert postfix.postfix_class("pia1.a-b.test") == "host_pia1_a_b_test"


def test_no_policy_service_adds_nothing() -> None:
    assert postfix.postfix_policy_service("") == ""
    asked = postfix.postfix_policy_service("unix:private/q")
    assert "check_policy_service { unix:private/q" in asked
    assert "request_limit=1" in asked, "an idle session keeps no process of the service"


def test_an_account_may_be_confined_to_some_recipients() -> None:
    accounts = {"probe-vault1-1": ["probe-vault1-1@ac-exemple.test", "Probe-Vault1-2@ac-exemple.test"]}
    assert postfix.postfix_confined({}) == ""
    assert (
        postfix.postfix_confined(accounts)
        == ", check_sasl_access inline:{ { probe-vault1-1 = confined_probe_vault1_1 } }"
    )
    (restriction,) = postfix.postfix_confined_classes(accounts).values()
    assert "{ probe-vault1-2@ac-exemple.test = OK }" in restriction
    assert restriction.endswith("}, reject")
