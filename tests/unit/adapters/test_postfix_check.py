"""The check that catches mistakes in Postfix's files before the service loads them."""

import time
from pathlib import Path

import pytest
from malleposte.adapters import postfix_check


def test_lists_are_split_outside_braces() -> None:
    assert postfix_check.split_list("a, b\tinline:{ {x = y z} } c") == ["a", "b", "inline:{ {x = y z} }", "c"]


def test_a_misspelt_parameter_is_named_with_its_neighbour() -> None:
    text = "postconf: warning: /x/main.cf: unused parameter: mesage_size_limit=1\n"
    assert list(postfix_check.unused_parameters(text * 2, {"message_size_limit"})) == [
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
    assert list(postfix_check.wrong_values({name: value}, DEFAULTS)) == ([problem] if problem else [])


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
    found = list(postfix_check.wrong_restrictions({"smtpd_recipient_restrictions": value}, set()))
    assert bool(found) == bool(problem)
    assert problem in "".join(found)


def test_maps_are_found_in_parameters_and_in_restrictions() -> None:
    values = {
        "virtual_alias_maps": "texthash:/a, proxy:ldap:/b",
        "smtpd_sender_restrictions": "check_sender_access cidr:/c, reject",
        "postscreen_cache_map": "lmdb:/d",
    }
    assert [item for _name, item in postfix_check.maps_of(values)] == ["texthash:/a", "proxy:ldap:/b", "cidr:/c"]


def test_networks_and_milters() -> None:
    assert list(postfix_check.wrong_networks({"mynetworks": "127.0.0.0/8, [::1]/128, cidr:/x"})) == []
    assert list(postfix_check.wrong_networks({"mynetworks": "300.1.2.3/9"}))
    assert list(postfix_check.wrong_milters({"smtpd_milters": "unix:a/b, inet:127.0.0.1:1"})) == []
    assert list(postfix_check.wrong_milters({"smtpd_milters": "rspamd"}))


def test_what_is_checked_names_its_own_tables_and_not_those_of_the_live_directory(tmp_path: Path) -> None:
    """The live directory has a new table only after the deploy whose rehearsal asks for the check."""
    directory, copy = tmp_path / "staged", tmp_path / "copy"
    (directory / "ldap").mkdir(parents=True)
    (directory / "ldap/new.cf").write_text("# a table\n")
    (directory / "main.cf").write_text(
        "a = proxy:ldap:/etc/postfix/ldap/new.cf, texthash:$config_directory/x\nb = /srv/etc/postfix/y\n"
    )
    (directory / "master.cf").write_text("smtp inet n - y - - smtpd\n  -o a=ldap:${config_directory}/ldap/new.cf\n")
    postfix_check.set_apart(directory, copy)
    assert (copy / "ldap/new.cf").is_file()
    text = (copy / "main.cf").read_text().replace(str(copy), "COPY")
    assert text == "a = proxy:ldap:COPY/ldap/new.cf, texthash:COPY/x\nb = /srv/etc/postfix/y\n"
    assert f"-o a=ldap:{copy}/ldap/new.cf" in (copy / "master.cf").read_text()
    assert "/etc/postfix/ldap" in (directory / "main.cf").read_text()


def test_the_copy_that_is_checked_is_older_than_what_postfix_waits_for(tmp_path: Path) -> None:
    live, copy = tmp_path / "postfix", tmp_path / "copy"
    live.mkdir()
    for name in ("main.cf", "aliases"):
        (live / name).write_text("hash = /etc/postfix/aliases\n")
    postfix_check.set_apart(live, copy)
    assert (copy / "main.cf").read_text() == f"hash = {copy}/aliases\n"
    ages = {path.name: time.time() - path.stat().st_mtime for path in copy.iterdir()}
    assert min(ages.values()) > 2, ages
    assert set(ages) == {"main.cf", "aliases"}


def test_smtpd_is_started_on_files_that_it_does_not_wait_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory, smtpd = tmp_path / "etc", tmp_path / "smtpd"
    directory.mkdir()
    (directory / "main.cf").write_text("a = proxy:ldap:/b\n")
    smtpd.write_text(
        '#!/bin/sh\n[ -z "$(find "$MAIL_CONFIG/main.cf" -mmin -0.5)" ] && grep -q "= ldap:/b" "$MAIL_CONFIG/main.cf"\n'
    )
    smtpd.chmod(0o755)
    checker = postfix_check.Checker(str(directory))
    monkeypatch.setattr(checker, "postconf", lambda *_options: (f"{tmp_path}\n", ""))
    assert list(checker.run_smtpd("smtp inet n - y - - smtpd\n", {})) == []
    smtpd.write_text("#!/bin/sh\nexit 1\n")
    monkeypatch.setattr(checker, "journal", lambda _pid: "no such table")
    assert list(checker.run_smtpd("smtp inet n - y - - smtpd\n", {})) == [
        "smtp/inet: smtpd refuses to start: no such table"
    ]
