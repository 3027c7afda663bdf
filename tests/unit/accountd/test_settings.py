"""accountd's settings: read from a file, secrets from systemd's folder, and faults in one line."""

import json
from pathlib import Path
from typing import Any

import pytest
from malleposte.accountd import settings
from malleposte.accountd.proof import Provider
from malleposte.accounts import facts
from malleposte.core.errors import InputError
from malleposte.throttle.limits import Rate

from tests.support.tokens import CLIENT, ISSUER, made_key, public

GOOD: dict[str, Any] = {
    "academy": "Exemple", "portal": "https://pia.ac-exemple.test/", "phone": "03", "mail": "a@ac-exemple.test",
    "hostd": "/run/hostd", "certificate": "/etc/c", "key": "/etc/k", "clients": {"pia1": "a" * 64}, "pace": 0.5,
    "code_minutes": 60, "rates": {"wrong": [5, 60]}, "smtp": ["127.0.0.1", 25],
}  # fmt: skip


def written(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content), "utf-8")
    return path


def test_they_are_read(tmp_path: Path) -> None:
    found = settings.Settings.read(written(tmp_path / "accountd.json", GOOD))
    assert found.rates.wrong == Rate(5, 60)
    assert found.rates.codes == Rate(3, 3600), "what is not said is as by default"
    assert found.provider is None
    provider: dict[str, Any] = {"issuer": ISSUER, "clients": {CLIENT: CLIENT}, "keys": [public(made_key())]}
    known = settings.Settings.read(written(tmp_path / "accountd.json", GOOD | {"provider": provider}))
    assert known.provider == Provider(**provider)
    twice = settings.Settings.read(
        written(tmp_path / "accountd.json", GOOD | {"provider": provider | {"keys": provider["keys"] * 2}})
    )
    assert twice.provider is not None and twice.provider.keys == (*provider["keys"],) * 2
    assert (found.smtp, found.hostd) == (("127.0.0.1", 25), Path("/run/hostd"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"rates": {"strange": [1, 2]}},
        {"rates": {"wrong": 5}},
        {"clients": {"pia1": "short"}},
        {"pace": 0},
        {"more": 1},
        {"only": {"sso-pia1": ["strange"]}},
        {"provider": {"issuer": "https://sso.test/", "audience": "portail", "keys": ["none"]}},
        {"provider": {"issuer": "https://sso.test/", "audience": "portail", "keys": []}},
        {"provider": {"issuer": "https://sso.test/"}},
        {"activation": {"phone": "perhaps"}},
        {"activation": {"strange": "off"}},
        {"activation": {"charter": "optional"}},
    ],
)
def test_what_is_wrong_is_one_line_with_the_file(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"accountd\.json: "):
        settings.Settings.read(written(tmp_path / "accountd.json", GOOD | wrong))
    with pytest.raises(InputError, match="No such file"):
        settings.Settings.read(tmp_path / "none")


def test_secrets_come_from_where_systemd_laid_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(InputError, match=r"accountd\.service"):
        settings.credentials()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    told = {
        "uri": "ldapi:///", "suffix": "dc=test", "domain": "test", "bind_dn": "cn=x", "journal": "/var/log/x",
        "password_file": "/etc/keys/ldap-provision", "keys_file": "/etc/keys/digests.json",
        "most_departures": 5.0,
    }  # fmt: skip
    written(tmp_path / "accounts.json", told)
    found = settings.accounts(settings.credentials())
    assert (found.password_file, found.keys_file) == (tmp_path / "ldap-provision", tmp_path / "digests.json")


def test_delays_are_shared_where_there_are_some(tmp_path: Path) -> None:
    assert settings.throttle(tmp_path) is None
    written(tmp_path / "throttle.json", {"server": "unix:///run/v.sock", "nonce": "n"})
    assert settings.throttle(tmp_path) is not None
    written(tmp_path / "throttle.json", {"server": "http://x", "nonce": "n"})
    with pytest.raises(InputError, match=r"throttle\.json"):
        settings.throttle(tmp_path)


def test_the_policy_is_the_platform_s(tmp_path: Path) -> None:
    assert facts.policy(written(tmp_path / "platform.json", {"password_policy": {"min_length": 14}})).min_length == 14
    with pytest.raises(InputError, match="no password policy"):
        facts.policy(written(tmp_path / "platform.json", {"password_policy": {"strange": 1}}))
