"""Databases of PostgreSQL: access rules, and the statements that set them up."""

import base64
import hmac
from typing import Any

import pytest
from ansible_collections.academie.malleposte.plugins.module_utils import postgres

PASSWORD = "correct-horse-battery"
ROUNDCUBE: dict[str, Any] = {"name": "roundcube", "system_user": "www-rc"}
SOGO: dict[str, Any] = {"name": "sogo", "owner": "agenda", "clients": ["192.0.2.20"], "password": PASSWORD}
NOTHING: dict[str, dict[str, Any]] = {"roles": {}, "databases": {}}


def state(password: str | None = None, *, plain: bool = True, public: bool = False) -> dict[str, dict[str, Any]]:
    return {
        "roles": {"agenda": {"password": password, "plain": plain}},
        "databases": {"sogo": {"owner": "agenda", "public": public}},
    }


def test_an_owner_enters_its_own_database_and_no_other() -> None:
    assert postgres.hba([ROUNDCUBE, SOGO], ["postgres", "root"]) == [
        "local all postgres peer map=administrators",
        "local roundcube roundcube peer map=roundcube",
        "hostssl sogo agenda 192.0.2.20/32 scram-sha-256",
    ]
    assert postgres.ident([ROUNDCUBE, SOGO], ["postgres", "root"]) == [
        "administrators postgres postgres",
        "administrators root postgres",
        "roundcube www-rc roundcube",
    ]


def test_a_fresh_server_gets_roles_before_databases() -> None:
    words = [said for said, _sql in postgres.statements([ROUNDCUBE, SOGO], NOTHING, "fr-FR")]
    assert words == [
        "role roundcube made",
        "role agenda made",
        "password of role agenda set",
        "database roundcube made",
        "database roundcube closed to others",
        "database sogo made",
        "database sogo closed to others",
    ]


def test_a_monitor_reads_the_counts_of_the_server_and_enters_no_other_database() -> None:
    assert postgres.hba([ROUNDCUBE], [], ["prometheus"]) == [
        "local postgres prometheus peer",
        "local roundcube roundcube peer map=roundcube",
    ]
    said = postgres.statements([], NOTHING, "", ["prometheus"])
    assert [words for words, _sql in said] == [
        "role prometheus made",
        "role prometheus may read the server's counts",
    ]
    there = {"roles": {"prometheus": {}}, "databases": {}, "monitors": ["prometheus"]}
    assert postgres.statements([], there, "", ["prometheus"]) == []
    for name in ("postgres", "a b", 'x"'):
        with pytest.raises(postgres.DatabaseError, match="a monitor cannot be"):
            postgres.hba([], [], [name])


def test_no_statement_holds_the_password() -> None:
    assert PASSWORD not in "".join(sql for _said, sql in postgres.statements([SOGO], NOTHING, ""))


def test_what_is_right_is_left_alone() -> None:
    assert postgres.statements([SOGO], state(postgres.verifier(PASSWORD)), "fr-FR") == []


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (state(postgres.verifier("another password")), "password of role agenda set"),
        (state("md5abcdef"), "password of role agenda set"),
        (state(postgres.verifier(PASSWORD), plain=False), "rights of role agenda reduced"),
        (state(postgres.verifier(PASSWORD), public=True), "database sogo closed to others"),
    ],
)
def test_what_differs_is_put_right(found: dict[str, dict[str, Any]], said: str) -> None:
    assert [words for words, _sql in postgres.statements([SOGO], found, "")] == [said]


def test_another_owner_is_replaced() -> None:
    found = state(postgres.verifier(PASSWORD))
    found["databases"]["sogo"]["owner"] = "postgres"
    assert postgres.statements([SOGO], found, "") == [
        ("database sogo given to agenda", 'ALTER DATABASE "sogo" OWNER TO "agenda";')
    ]


def test_a_password_no_longer_wanted_goes() -> None:
    local = {"name": "sogo", "owner": "agenda", "system_user": "sogo"}
    assert postgres.statements([local], state(postgres.verifier(PASSWORD)), "") == [
        ("password of role agenda set", 'ALTER ROLE "agenda" PASSWORD NULL;')
    ]


def test_a_verifier_proves_the_exchange_of_rfc_7677() -> None:
    """RFC 7677, 3: user "user", password "pencil"; the server signs with the last part of what it keeps."""
    kept = postgres.verifier("pencil", base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096)
    nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    exchange = f"n=user,r=rOprNGfwEbeRWgbNEkqO,r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r={nonce}"
    signed = hmac.digest(base64.b64decode(kept.rpartition(":")[2]), exchange.encode(), "sha256")
    assert signed == base64.b64decode("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
    assert postgres.same_password("pencil", kept)
    assert not postgres.same_password("pencils", kept)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"name": "x y"}, "name cannot be"),
        ({"name": "sogo", "owner": "postgres"}, "owner cannot be"),
        ({"name": "sogo", "system_user": "root trust"}, "not a system user"),
        ({"name": "sogo", "clients": ["192.0.2.1"]}, "need a password"),
        ({"name": "sogo", "clients": ["0.0.0.0/0"], "password": PASSWORD}, "every address"),
        ({"name": "sogo", "clients": ["here"], "password": PASSWORD}, "clients"),
        ({"name": "sogo", "password": "short"}, "16 printable"),
        ({"name": "sogo", "secret": PASSWORD}, "unknown key secret"),
    ],
)
def test_what_cannot_be_right_is_refused(entry: dict[str, Any], message: str) -> None:
    with pytest.raises(postgres.DatabaseError, match=message):
        postgres.checked([entry])


def test_a_database_stands_once() -> None:
    with pytest.raises(postgres.DatabaseError, match="described twice"):
        postgres.checked([ROUNDCUBE, ROUNDCUBE])


def test_a_locale_cannot_smuggle_sql() -> None:
    with pytest.raises(postgres.DatabaseError, match="not a locale"):
        postgres.statements([SOGO], NOTHING, "fr' --")
