"""Profiles of Apple's devices: what they set up, their names, and the signature as openssl sees it."""

import plistlib
import subprocess
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from malleposte.front import profile
from malleposte.front.profile import Phone, ProfileError, Servers

from tests.support import certificates

SERVERS = Servers("Académie d’Exemple", "ac-exemple.test", "mail.ac-exemple.test", "dav.ac-exemple.test")
SECRET = "abcdefgh-abcd-abcd-abcd-abcd"
PHONE = Phone("mdupond", "Marie Dupond", "marie.dupond@ac-exemple.test", "iPhone de Marie", SECRET, dav=True)


def read(phone: Phone = PHONE, servers: Servers = SERVERS) -> dict[str, Any]:
    found: dict[str, Any] = plistlib.loads(profile.content(phone, servers))
    return found


def test_it_sets_up_mail_agenda_and_contacts() -> None:
    mail, caldav, carddav = read()["PayloadContent"]
    assert mail["PayloadType"] == "com.apple.mail.managed"
    assert (mail["EmailAccountType"], mail["EmailAddress"]) == ("EmailTypeIMAP", PHONE.mail)
    for way, port in (("Incoming", 993), ("Outgoing", 465)):
        server = [mail[f"{way}MailServer{key}"] for key in ("HostName", "PortNumber", "UseSSL", "Username")]
        assert server == [SERVERS.mail, port, True, "mdupond"]
        assert mail[f"{way}Password"] == SECRET
    for one, prefix in ((caldav, "CalDAV"), (carddav, "CardDAV")):
        assert one["PayloadType"] == f"com.apple.{prefix.lower()}.account"
        named = {key: one[f"{prefix}{key}"] for key in ("HostName", "Port", "UseSSL", "Username", "Password")}
        assert list(named.values()) == [SERVERS.dav, 443, True, "mdupond", SECRET]


def test_an_account_without_an_agenda_for_devices_has_mail_alone() -> None:
    assert [one["PayloadType"] for one in read(replace(PHONE, dav=False))["PayloadContent"]] == [
        "com.apple.mail.managed"
    ]


def test_identifiers_are_those_of_account_and_device() -> None:
    """A second profile for the same device replaces the first; that of another device stands beside it."""
    first, again = read(), read(replace(PHONE, device="Autre nom", secret="abcdefgh-bbbb-bbbb-bbbb-bbbb"))
    assert first["PayloadIdentifier"] == "test.ac-exemple.malleposte.mdupond.abcdefgh"
    assert (first["PayloadIdentifier"], first["PayloadUUID"]) == (again["PayloadIdentifier"], again["PayloadUUID"])
    others = (read(replace(PHONE, uid="autre")), read(replace(PHONE, secret="bbcdefgh-abcd-abcd-abcd-abcd")))
    assert len({one["PayloadUUID"] for one in (first, *others)}) == 3
    parts = first["PayloadContent"]
    assert len({one["PayloadUUID"] for one in parts} | {first["PayloadUUID"]}) == 4
    assert all(one["PayloadIdentifier"].startswith(first["PayloadIdentifier"]) for one in parts)


def test_its_owner_may_remove_it_and_reads_what_it_is() -> None:
    assert read()["PayloadRemovalDisallowed"] is False
    assert "contacts" in read()["PayloadDescription"] and "contacts" not in read(replace(PHONE, dav=False)).values()
    assert "for this device alone" in read(replace(PHONE, language="en"))["PayloadDescription"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"secret": "Vieux-Chemin7!x"}, "secret is not the password of a device"),
        ({"mail": "marie@lointain.test"}, "mail is no address of ac-exemple.test"),
        ({"language": "de"}, "language is fr or en"),
    ],
)
def test_what_is_not_ours_gets_no_profile(wrong: dict[str, str], said: str) -> None:
    with pytest.raises(ProfileError, match=said):
        profile.content(replace(PHONE, **wrong), SERVERS)  # type: ignore[arg-type]  # texts alone


@pytest.mark.parametrize(
    "wrong",
    [{"uid": ""}, {"uid": 7}, {"device": "a\nb"}, {"owner": "x" * 321}, {"dav": "yes"}, {"more": "x"}, {"dav": None}],
)
def test_a_device_is_read_from_json(wrong: dict[str, Any]) -> None:
    assert Phone.read(asdict(PHONE)) == PHONE
    with pytest.raises(ProfileError) as refused:
        Phone.read(asdict(PHONE) | wrong)
    assert SECRET not in str(refused.value)
    assert SECRET not in repr(PHONE)


@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_openssl_accepts_the_signature_and_finds_the_profile(kind: str, tmp_path: Path) -> None:
    held, other = certificates.pair(kind), certificates.pair(kind)
    made = profile.content(PHONE, SERVERS)
    signed = profile.sign(made, held.key, held.chain)
    assert certificates.opened(signed, held.authority, tmp_path) == made
    with pytest.raises(subprocess.CalledProcessError):
        certificates.opened(signed, other.authority, tmp_path)
    with pytest.raises(subprocess.CalledProcessError):
        certificates.opened(signed.replace(b"mdupond", b"mdupont"), held.authority, tmp_path)


def test_a_certificate_of_another_key_signs_nothing() -> None:
    held, other = certificates.pair("ec"), certificates.pair("ec")
    with pytest.raises(ProfileError, match="not that of the key"):
        profile.sign(b"x", held.key, other.chain)
    with pytest.raises(ValueError, match="PEM"):
        profile.sign(b"x", held.key, b"none")
