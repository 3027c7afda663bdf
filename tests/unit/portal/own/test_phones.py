"""« Régler mon téléphone »: addresses for each kind of device; the profile of an iPhone from the form to its end."""

import json
import plistlib
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from malleposte.accountd.calls.devices import AddDevice, RevokeDevice
from malleposte.accountd.message import ErrorCode
from malleposte.front import profile
from malleposte_portal.own import phones, profiles

from tests.support import certificates
from tests.support.portal import ADDRESSES, BOTH, addresses
from tests.unit.front.test_profile import SERVERS
from tests.unit.portal.own.test_pages import DONE, SECRET

APPLE, KIND = ADDRESSES["setup_apple"][0], "application/x-apple-aspen-config"
GIVEN = {"name": "iPhone de Marie", "password": "Vieux-Chemin7!x"}


def prepared(visitor: Any, language: int = 0) -> str:
    """Have a profile prepared; the path of its link."""
    page = visitor.send(ADDRESSES["setup_apple"][language], **GIVEN)
    assert visitor.last.status_code == 200, page.named("errors")
    (link,) = [held["href"] for held, _text in page.all("a") if "/profil" in str(held["href"])]
    assert str(link).startswith("https://pia.test/")
    return str(link).removeprefix("https://pia.test")


def downloaded(visitor: Any, path: str) -> Any:
    """Follow the link and its button; the bare answer."""
    (button,) = [held["href"] for held, _text in visitor.get(path).all("a") if path in str(held["href"])]
    return visitor.raw(button)


@BOTH
@pytest.mark.parametrize("name", sorted(addresses(phones.SUBJECT).keys() - {"setup", "setup_apple_made"}))
def test_each_kind_has_its_addresses(inside: Any, name: str, language: int) -> None:
    text = inside.get(ADDRESSES[name][language]).main
    for told in ("mdupond", "mail.ac-exemple.test", "993", "465", "https://dav.ac-exemple.test/"):
        assert told in text, told
    links = set(inside.get(ADDRESSES["setup"][language]).links)
    assert ADDRESSES[name][language] in links


def test_a_phone_opens_the_page_of_android_by_its_code(inside: Any) -> None:
    (image,) = [held for held, _text in inside.get(ADDRESSES["setup_android"][0]).all("img")]
    assert str(image["src"]).startswith("data:image/svg+xml") and image["alt"]


def test_the_profile_of_an_iphone_is_given_once(inside: Any, another: Any, accountd: Any) -> None:
    path = prepared(inside)
    made = accountd.only(AddDevice)
    assert (made.login, made.name, made.scopes) == ("mdupond", "iPhone de Marie", ("imap", "smtp", "dav"))
    assert made.password == GIVEN["password"] and made.token.count(".") == 2
    phone = another()
    phone.get(path), phone.get(path)
    assert phone.http.head(f"{path}/telecharger", base_url="https://pia.test").status_code == 200
    answer = downloaded(phone, path)
    assert (answer.status_code, answer.content_type, answer.headers["Cache-Control"]) == (200, KIND, "no-store")
    found = plistlib.loads(answer.data)
    assert [one["PayloadType"] for one in found["PayloadContent"]] == [
        "com.apple.mail.managed", "com.apple.caldav.account", "com.apple.carddav.account"
    ]  # fmt: skip
    assert found["PayloadContent"][0]["IncomingPassword"] == SECRET
    assert phone.raw(f"{path}/telecharger").status_code == 404
    phone.get(path)
    assert phone.last.status_code == 404


@BOTH
def test_a_reload_of_the_profile_s_page_makes_no_second_device(
    inside: Any, another: Any, accountd: Any, clock: Any, language: int
) -> None:
    path, made = prepared(inside, language), ADDRESSES["setup_apple_made"][language]
    assert inside.last.request.path == made
    links = inside.get(made).links
    assert f"https://pia.test{path}" in links
    assert len(accountd.requests(AddDevice)) == 1
    assert another().raw(made).headers["Location"].startswith(("/connexion", "/en/login"))
    clock.now += 601
    answer = inside.raw(made)
    devices = ("/compte/appareils", "/en/account/devices")[language]
    assert (answer.status_code, answer.headers["Location"]) == (303, devices)


def test_a_link_ends_after_ten_minutes(inside: Any, clock: Any) -> None:
    early, late = prepared(inside), prepared(inside)
    clock.now += 599
    assert inside.raw(f"{early}/telecharger").status_code == 200
    clock.now += 2
    assert inside.raw(f"{late}/telecharger").status_code == 404


def test_the_store_and_the_pages_have_no_password(inside: Any, valkey: Any) -> None:
    path = prepared(inside)
    assert SECRET not in inside.last.text and GIVEN["password"] not in inside.last.text
    held = str(valkey.held)
    assert SECRET not in held and path.rsplit("/", 1)[1] not in held
    assert "portal:once:" in held
    for wrong in ("x", "%00", "a" * 3000):
        assert inside.raw(f"/profil/{wrong}/telecharger").status_code == 404
    assert inside.raw(f"{path}/telecharger").status_code == 200


def test_a_wrong_password_makes_no_profile(inside: Any, accountd: Any, valkey: Any) -> None:
    accountd.refuse(ErrorCode.NOT_PROVED, AddDevice)
    page = inside.send(APPLE, **GIVEN)
    assert (inside.last.status_code, "portal:once:" in str(valkey.held)) == (403, False)
    assert "Mot de passe inexact" in page.named("errors")
    assert inside.raw("/compte").status_code == 200, "the log-in goes on"


@BOTH
def test_a_form_that_lacks_something_makes_nothing(inside: Any, accountd: Any, language: int) -> None:
    page = inside.send(ADDRESSES["setup_apple"][language])
    assert (inside.last.status_code, accountd.asked) == (422, [])
    assert page.named("name-error") and page.named("password-error")


def test_a_device_whose_profile_cannot_be_kept_is_revoked(inside: Any, accountd: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(profiles, "keep", lambda content: (_ for _ in ()).throw(profiles.StoreError("away")))
    inside.send(APPLE, **GIVEN)
    assert inside.last.status_code == 503
    revoked = accountd.only(RevokeDevice)
    assert revoked.device == "abcdefgh"


def test_a_class_with_sogo_s_agenda_gets_the_same(visit: Any, log_in: Any, provider: Any, accountd: Any) -> None:
    provider.changed = {"profile_class": "convergence"}
    accountd.answer = DONE
    log_in(visit)
    path = prepared(visit)
    made = accountd.only(AddDevice)
    assert made.scopes == ("imap", "smtp", "dav")
    assert len(plistlib.loads(downloaded(visit, path).data)["PayloadContent"]) == 3


def test_without_a_signer_the_page_says_so(inside: Any, app: Any) -> None:
    prepared(inside)
    assert "n’est pas signé" in inside.last.text
    app.extensions["signer"] = lambda document: b"signed " + document
    path = prepared(inside)
    assert "n’est pas signé" not in inside.last.text
    assert json.loads(downloaded(inside, path).data.removeprefix(b"signed "))["secret"] == SECRET


@pytest.fixture
def behind_a_socket(tmp_path: Path) -> Callable[[Callable[[bytes], bytes]], profiles.Signer]:
    """A signer that answers one connection."""

    def made(answer: Callable[[bytes], bytes]) -> profiles.Signer:
        path = str(tmp_path / "signer.sock")
        waiting = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        waiting.bind(path)
        waiting.listen()

        def serve() -> None:
            line, _address = waiting.accept()
            with waiting, line, line.makefile("rb") as asked:
                line.sendall(answer(asked.read()))

        threading.Thread(target=serve, daemon=True).start()
        return profiles.signer(path)

    return made


def test_the_signer_is_asked_by_its_socket(
    inside: Any, app: Any, behind_a_socket: Any, tmp_path: Path, another: Any
) -> None:
    held = certificates.pair("ec")

    def signed(document: bytes) -> bytes:
        phone = profile.Phone.read(json.loads(document))
        return profile.sign(profile.content(phone, SERVERS), held.key, held.chain)

    app.extensions["signer"] = behind_a_socket(signed)
    found = certificates.opened(downloaded(another(), prepared(inside)).data, held.authority, tmp_path)
    assert plistlib.loads(found)["PayloadIdentifier"] == "test.ac-exemple.malleposte.mdupond.abcdefgh"


def test_a_signer_that_signs_nothing_is_noted_and_the_profile_goes_unsigned(
    inside: Any, app: Any, behind_a_socket: Any, caplog: Any
) -> None:
    app.extensions["signer"] = behind_a_socket(lambda document: b"")
    assert plistlib.loads(downloaded(inside, prepared(inside)).data)
    assert "unsigned" in caplog.text and SECRET not in caplog.text
    app.extensions["signer"] = profiles.signer("/nonexistent/signer.sock")
    assert plistlib.loads(downloaded(inside, prepared(inside)).data)
