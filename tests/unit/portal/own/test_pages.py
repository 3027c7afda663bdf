"""The agent's own section: what is shown, made, ended; and that a log-in that is over is over here too."""

from copy import replace
from typing import Any

import pytest
from malleposte.accountd import client
from malleposte.accountd.calls.account import Line
from malleposte.accountd.calls.devices import AddDevice, Device, RevokeDevice
from malleposte.accountd.calls.protection import EndSessions
from malleposte.accountd.calls.settings import SetClass
from malleposte.accountd.message import ErrorCode, Refused
from malleposte.accountd.own import COMPUTED, Account
from malleposte.accounts.disclosure.terms import ACTS as JOURNAL
from malleposte.accounts.disclosure.terms import FACTS as CHANGED
from malleposte_portal import own
from malleposte_portal.core.languages import catalogues
from malleposte_portal.log_in import shown_once
from malleposte_portal.log_in.sessions import StoreError, key_of
from malleposte_portal.own import phones

from tests.support.accountd import Told
from tests.support.portal import ADDRESSES, BOTH, acts, addresses

PHONE = Device("abcdefgh", "Téléphone", ("imap", "dav"), "20261001080000Z", "", "20261101080000Z", "192.0.2.9")
ACCOUNT = Account(
    "Marie Dupond", "marie@ac-exemple.test", "roundcube", "active", recovery_mail="ma…@exemple.test", looked=True,
    password_until="20991001080000Z", forwards=("ailleurs@exemple.test", COMPUTED),
)  # fmt: skip
SECRET = "abcdefgh-abcd-abcd-abcd-abcd"
DONE = Told(
    "mdupond", "active", devices=(PHONE,), secret=SECRET, account=ACCOUNT,
    journal=(
        Line("2026-11-01T08:00:00+00:00", "compte bloqué", "operators", "vol"),
        Line("2026-10-31T08:00:00+00:00", "second facteur ajouté", "portal", name="Clé <bleue>"),
    ),
)  # fmt: skip
ALONE = ("device_made", "setup_apple_made", "recovery_confirm", "factor_remove", "charge", "charge_add",
         "charge_filtering", "diagnosis", "poll", "ballot", "tool_add", "tool_renew", "owned_box",
         "circular", "team")  # fmt: skip
"""Pages that need more than an address, and some that are there for strangers too."""
PAGES = [name for name in addresses(*own.SUBJECTS) if name not in (*acts(*own.SUBJECTS), *ALONE)]
FORMS = ("device_add", "recovery_mail", "recovery_phone", "slots", "poll_new", "trace", *addresses(phones.SUBJECT),
         "team_new", "team_member", "team_end", "team_link")  # fmt: skip
"""Pages that ask accountd nothing before they are filled in."""


@BOTH
@pytest.mark.parametrize("name", PAGES)
def test_each_page_is_for_who_is_logged_in(inside: Any, another: Any, accountd: Any, name: str, language: int) -> None:
    path = ADDRESSES[name][language]
    stranger = another().raw(path)
    assert stranger.status_code == 303
    assert stranger.headers["Location"] == f"{ADDRESSES['login'][language]}?vers={path}"
    assert accountd.asked == []
    page = inside.get(path)
    assert inside.last.status_code == 200
    assert "Marie Dupond" in page.all("header")[0][1]
    if accountd.asked:
        assert len({type(asked) for asked in accountd.asked}) == len(accountd.asked)
        assert {asked.uid for asked in accountd.asked} == {"mdupond"}
        assert {asked.token.count(".") for asked in accountd.asked} == {2}


def test_the_account_is_summed_up(inside: Any) -> None:
    text = inside.get("/compte").main
    for told in ("marie@ac-exemple.test", "Simple", "2500 Mo", "1er octobre 2099", "ma…@exemple.test",
                 "ailleurs@exemple.test, une adresse que le filtre calcule"):  # fmt: skip
        assert told in text, told
    assert "Light" in inside.get("/en/account").main


def test_devices_are_listed_and_one_is_revoked(inside: Any, accountd: Any) -> None:
    text = inside.get("/compte/appareils").main
    assert all(told in text for told in ("Téléphone", "Courriel, agenda et contacts", "192.0.2.9", "celle-ci"))
    answer = inside.press("/compte/appareils", "/compte/appareils/supprimer", device="abcdefgh")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/compte/appareils")
    revoked = accountd.only(RevokeDevice)
    assert (revoked.uid, revoked.device) == ("mdupond", "abcdefgh")
    assert "est supprimé" in inside.get("/compte/appareils").main
    assert "est supprimé" not in inside.get("/compte/appareils").main


@BOTH
def test_a_form_that_comes_after_the_end_of_the_log_in_is_not_lost_without_a_word(
    inside: Any, accountd: Any, language: int
) -> None:
    path = ADDRESSES["device_add"][language]
    token = inside.get(path).forms()[-1]["fields"]["csrf_token"]
    inside.http.delete_cookie("__Host-agent", domain="pia.test")
    page = inside.post(path, {"csrf_token": token, "name": "Mon téléphone"})
    assert inside.last.status_code == 403
    assert page.heading in ("Votre connexion a pris fin", "Your log-in has ended")
    assert f"{ADDRESSES['login'][language]}?vers={path}" in page.links
    assert accountd.asked == []


@pytest.mark.parametrize(
    ("path", "back"), [("/compte/appareils/ajouter",) * 2, ("/compte/appareils/supprimer", "/"), ("/assistance",) * 2]
)
def test_a_form_of_another_session_leads_back_to_its_own_page(inside: Any, path: str, back: str) -> None:
    page = inside.post(path, {"csrf_token": "of another session"})
    assert inside.last.status_code == 400
    assert {held["href"] for held, text in page.all("a") if text == "Recommencer"} == {back}


def test_a_device_is_made_once_and_its_password_shown_once(inside: Any, another: Any, accountd: Any) -> None:
    page = inside.send("/compte/appareils/ajouter", name="Mon  téléphone", mail="y", password="Vieux-Chemin7!x")
    assert (inside.last.request.path, page.named("secret")) == ("/compte/appareils/mot-de-passe", SECRET)
    assert "mail.ac-exemple.test" in page.main
    answer = inside.raw("/compte/appareils/mot-de-passe")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/compte/appareils")
    assert "n’est affiché qu’une fois" in inside.get("/compte/appareils").main
    assert SECRET not in inside.last.text
    made = accountd.only(AddDevice)
    assert (made.login, made.name, made.scopes) == ("mdupond", "Mon téléphone", ("imap", "smtp", "sieve"))
    assert made.token.count(".") == 2
    assert another().raw("/compte/appareils/mot-de-passe").headers["Location"].startswith("/connexion")


def test_a_device_whose_password_cannot_be_shown_is_revoked(
    inside: Any, accountd: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shown_once, "keep", lambda *_words: (_ for _ in ()).throw(StoreError("away")))
    inside.send("/compte/appareils/ajouter", name="Téléphone", mail="y", password="Vieux-Chemin7!x")
    assert inside.last.status_code == 503 and SECRET not in inside.last.text
    assert isinstance(accountd.asked[-1], RevokeDevice) and accountd.asked[-1].device == PHONE.ident


def test_a_device_s_password_is_kept_by_no_name_that_reads_it(inside: Any, valkey: Any) -> None:
    token = inside.get("/compte/appareils/ajouter").forms()[-1]["fields"]["csrf_token"]
    given = {"csrf_token": token, "name": "Téléphone", "mail": "y", "password": "Vieux-Chemin7!x"}
    answer = inside.http.post("/compte/appareils/ajouter", data=given, base_url="https://pia.test")
    assert answer.status_code == 303
    assert "portal:once:" in str(valkey.held) and SECRET not in str(valkey.held)
    assert SECRET not in str(answer.headers)


@BOTH
@pytest.mark.parametrize(
    ("kind", "ticked", "step"),
    [("android", {"mail", "dav"}, "DAVx⁵"), ("thunderbird", {"mail", "dav"}, "CardDAV"),
     ("outlook", {"mail"}, "Outlook"),
     ("", {"mail"}, "IMAP"), ("nonesuch", {"mail"}, "IMAP")],
)  # fmt: skip
def test_the_steps_of_a_device_lead_to_its_password_with_its_accesses(
    inside: Any, another: Any, accountd: Any, kind: str, ticked: set[str], step: str, language: int
) -> None:
    form = ADDRESSES["device_add"][language] + (f"?kind={kind}" if kind else "")
    if kind in phones.OF_STEPS:
        assert form in inside.get(ADDRESSES[f"setup_{kind}"][language]).links
    page = inside.get(form)
    fields = {str(held["name"]): held for held, _text in page.all("input") if held.get("name")}
    assert {name for name in ("mail", "dav") if "checked" in fields[name]} == ticked
    typed = {"name": "Téléphone", "password": "Vieux-Chemin7!x", **dict.fromkeys(ticked, "y")}
    hidden = {name: str(fields[name]["value"]) for name in ("csrf_token", "kind")}
    made = inside.post(ADDRESSES["device_add"][language], {**hidden, **typed})
    assert made.named("secret") == SECRET
    opened = accountd.only(AddDevice).scopes
    assert ("dav" in opened, "imap" in opened) == ("dav" in ticked, True)
    assert step in made.main and made.named("imap") == "mail.ac-exemple.test"
    copied = {held["data-copies"] for held, _text in made.all("button") if "data-copies" in held}
    assert {"secret", "uid", "imap", "smtp"} <= copied
    assert "/copy.js" in {held["src"] for held, _text in made.all("script")}


def linked(inside: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """Have a device made; the path to which the QR code of its page leads."""
    drawn: list[str] = []
    monkeypatch.setattr(phones, "qr", lambda text: drawn.append(text) or "data:image/svg+xml,x")
    inside.send("/compte/appareils/ajouter", name="Téléphone", mail="y", dav="y", password="Vieux-Chemin7!x")
    (address,) = drawn
    assert SECRET not in address
    return address.removeprefix("https://pia.test")


def test_the_code_of_a_device_s_page_gives_its_password_once_on_the_device(
    inside: Any, another: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = linked(inside, monkeypatch)
    phone = another()
    for _time in range(2):
        assert SECRET not in phone.get(path).main, "looking spends nothing and shows nothing"
    made = phone.send(path)
    assert (phone.last.status_code, made.named("secret")) == (200, SECRET)
    assert "mail.ac-exemple.test" in made.main and "https://dav.ac-exemple.test/" in made.main
    assert not made.all("img") and ADDRESSES["devices"][0] not in made.links, "this browser is not logged in"
    phone.get(path)
    assert phone.last.status_code == 404


def test_the_link_of_a_device_ends_after_ten_minutes(
    inside: Any, another: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = linked(inside, monkeypatch)
    phone = another()
    fields = phone.get(path).form(path)
    clock.now += 601
    late = phone.post(path, fields)
    assert (phone.last.status_code, SECRET in late.main) == (404, False)


@BOTH
def test_a_device_without_name_access_or_password_is_refused(inside: Any, accountd: Any, language: int) -> None:
    page = inside.send(ADDRESSES["device_add"][language])
    assert inside.last.status_code == 422
    for field in ("name", "mail", "password"):
        assert page.named(f"{field}-error"), field
    assert accountd.asked == []


def test_a_wrong_password_makes_no_device_and_ends_no_log_in(inside: Any, accountd: Any) -> None:
    accountd.refuse(ErrorCode.NOT_PROVED)
    page = inside.send("/compte/appareils/ajouter", name="Téléphone", mail="y", password="faux")
    assert inside.last.status_code == 403
    assert "Mot de passe inexact" in page.named("errors")
    accountd.answer = DONE
    inside.get("/compte")
    assert inside.last.status_code == 200


@pytest.mark.parametrize(("profile", "scopes"), [("convergence", ("dav", "smtp")), ("roundcube", ("dav",))])
def test_an_agenda_of_sogo_s_may_send_its_invitations(
    visit: Any, log_in: Any, provider: Any, accountd: Any, profile: str, scopes: tuple[str, ...]
) -> None:
    provider.changed = {"profile_class": profile}
    accountd.answer = replace(DONE, account=Account())
    log_in(visit)
    visit.send("/compte/appareils/ajouter", name="Téléphone", dav="y", password="un mot de passe")
    assert accountd.asked[-1].scopes == scopes


def test_another_log_in_is_ended_and_nobody_else_s(inside: Any, another: Any, log_in: Any) -> None:
    second, other = another(), another()
    log_in(second), log_in(other, "autre")
    keys = [
        form["fields"]["session"] for form in inside.get("/compte/appareils").forms() if "session" in form["fields"]
    ]
    assert len(keys) == 1, "not this one"
    assert inside.press("/compte/appareils", "/compte/sessions/fermer", session=keys[0]).status_code == 303
    assert second.raw("/compte").status_code == 303
    (theirs,) = [
        form["fields"] for form in other.get("/compte/appareils").forms()
        if form["action"] == "/compte/sessions/fermer"
    ]  # fmt: skip
    mine = inside.http.get_cookie("__Host-agent", "pia.test").value
    other.http.post("/compte/sessions/fermer", data=theirs | {"session": key_of(mine)}, base_url="https://pia.test")
    assert inside.raw("/compte").status_code == 200


def test_all_log_ins_end_at_once(inside: Any, another: Any, log_in: Any, accountd: Any) -> None:
    second = another()
    log_in(second)
    answer = inside.press("/compte/appareils", "/compte/sessions/fermer")
    assert answer.headers["Location"].startswith("https://sso.test/oauth2/logout?")
    assert any(isinstance(one, EndSessions) for one in accountd.asked)
    assert [one.raw("/compte").status_code for one in (inside, second)] == [303, 303]


def test_the_journal_is_told_in_words(inside: Any) -> None:
    text = inside.get("/compte/journal").main
    assert all(told in text for told in ("Compte bloqué", "1er novembre 2026", "par l’académie", "vol"))
    assert "Second facteur ajouté : « Clé <bleue> »" in text, "it is text, and no markup"
    text = inside.get("/en/account/journal").main
    assert "Account blocked" in text and "Second factor added: “Clé <bleue>”" in text


def test_the_interface_is_changed_for_another_class(inside: Any, accountd: Any) -> None:
    page = inside.get("/compte/interface")
    assert "Simple" in page.main and "2500 Mo" in page.main
    assert "/compte/interface" not in [form["action"] for form in page.forms()], "a step comes before"
    accountd.answer = replace(DONE, account=replace(ACCOUNT, profile="convergence"))
    step = inside.get("/compte/interface?vers=roundcube")
    assert "ferme vos fenêtres de messagerie" in step.main and not accountd.requests(SetClass)
    assert "Before you change" in inside.get("/en/account/interface?vers=roundcube").main
    assert "Avant de changer" not in inside.get("/compte/interface?vers=luxe").main
    answer = inside.press("/compte/interface?vers=roundcube", "/compte/interface", profile="roundcube")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/compte/interface")
    asked = accountd.only(SetClass)
    assert (asked.uid, asked.profile) == ("mdupond", "roundcube")
    assert "est changée" in inside.get("/compte/interface").named("content")
    token = inside.get("/compte/interface").forms()[0]["fields"]["csrf_token"]
    inside.post("/compte/interface", {"csrf_token": token, "profile": "luxe"})
    assert len(accountd.requests(SetClass)) == 1


@BOTH
def test_the_first_page_offers_what_serves_an_agent_who_is_logged_in(visit: Any, log_in: Any, language: int) -> None:
    account = {ADDRESSES[name][language] for name in ("account", "setup", "undelete")}
    stranger = {ADDRESSES[name][language] for name in ("activate", "forgotten")}
    home = ADDRESSES["home"][language]

    def shown() -> set[str]:
        return set(visit.get(home).links) & (account | stranger)

    assert shown() == stranger
    log_in(visit)
    assert account <= shown()
    assert not shown() & stranger


def test_the_first_page_has_the_tiles_of_the_class(
    visit: Any, log_in: Any, provider: Any, app: Any, another: Any
) -> None:
    tiles = [
        {
            "service": name,
            "title": {"fr": name, "en": name},
            "text": {"fr": "", "en": ""},
            "url": f"https://{name}.test/",
        }
        for name in ("sogo", "roundcube", "wiki")
    ]
    app.extensions["portal"] = replace(app.extensions["portal"], tiles=tiles)

    def shown(visitor: Any) -> set[str]:
        links = set(visitor.get("/").links)
        return {name for name in ("sogo", "roundcube", "wiki") if f"https://{name}.test/" in links}

    assert shown(visit) == {"sogo", "roundcube", "wiki"}
    log_in(visit)
    assert shown(visit) == {"roundcube", "wiki"}
    provider.changed = {"profile_class": "convergence"}
    second = another()
    log_in(second)
    assert shown(second) == {"sogo", "wiki"}
    provider.changed = {"profile_class": "inconnue"}
    third = another()
    log_in(third)
    assert shown(third) == {"sogo", "roundcube", "wiki"}


def test_a_new_password_ends_every_log_in_of_its_owner(inside: Any, another: Any, log_in: Any, accountd: Any) -> None:
    second, other = another(), another()
    log_in(second), log_in(other, "autre")
    page = inside.get("/motdepasse/changer")
    (login,) = [held["value"] for held, _text in page.all("input") if held.get("id") == "login"]
    assert login == "mdupond"
    new = "Tulipe-Verte-4-Lampe"
    accountd.refuse(ErrorCode.NOT_PROVED)
    inside.send("/motdepasse/changer", login="mdupond", old="faux", new=new, again=new)
    assert inside.raw("/compte/appareils/ajouter").status_code == 200
    accountd.answer = DONE
    inside.send("/motdepasse/changer", login="mdupond", old="Ancien-Mot-9", new=new, again=new)
    assert [one.raw("/compte/appareils/ajouter").status_code for one in (inside, second, other)] == [303, 303, 200]


@BOTH
def test_the_section_has_the_side_menu_of_the_design_system(inside: Any, language: int) -> None:
    page = inside.get(ADDRESSES["journal"][language])
    (menu,) = [held for held, _text in page.all("nav") if "fr-sidemenu" in str(held.get("class"))]
    assert menu["aria-label"]
    links = [held for held, _text in page.all("a") if held.get("class") == "fr-sidemenu__link"]
    assert [str(held["href"]) for held in links if held.get("aria-current")] == [ADDRESSES["journal"][language]]
    assert len(links) == 22
    assert page.groups() == [True, False, False, False]


@BOTH
def test_the_journal_says_what_changed(inside: Any, accountd: Any, language: int) -> None:
    changed = Line("2026-11-01T08:00:00+00:00", "données modifiées", "operators", changed="fonction; adresse")
    accountd.answer = replace(DONE, journal=(changed,))
    said = ("Ce qui a changé : fonction, adresse.", "Changed: function, address.")[language]
    assert said in inside.get(ADDRESSES["journal"][language]).main


def test_every_act_of_a_journal_has_english_words() -> None:
    english = catalogues(strict=True)["en"]
    for words in {*JOURNAL.values(), *CHANGED.values(), "autre opération"}:
        assert english.gettext(words)


@pytest.mark.parametrize("error", [ErrorCode.UNAUTHORISED, ErrorCode.NOT_PROVED])
def test_what_ends_at_accountd_ends_here(inside: Any, accountd: Any, error: ErrorCode) -> None:
    assert inside.raw("/compte").status_code == 200
    accountd.refuse(error)
    answer = inside.raw("/compte")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/deconnecte?fin=1")
    assert "pris fin" in inside.get("/deconnecte?fin=1").main
    accountd.answer = DONE
    assert inside.raw("/compte").headers["Location"] == "/connexion?vers=/compte"


def test_tokens_follow_as_long_as_the_provider_s_session_lasts(
    inside: Any, accountd: Any, provider: Any, clock: Any
) -> None:
    inside.get("/compte")
    first = accountd.asked[-1].token
    clock.now += 280
    inside.get("/compte")
    second = accountd.asked[-1].token
    assert second != first and provider.asked[-1]["grant_type"] == "refresh_token"
    inside.get("/compte")
    assert accountd.asked[-1].token == second
    provider.sessions.clear()
    clock.now += 280
    assert inside.raw("/compte").headers["Location"] == "/deconnecte?fin=1"


def test_a_provider_that_is_away_leaves_the_log_in_as_it_is(inside: Any, provider: Any, clock: Any) -> None:
    provider.away = True
    inside.get("/compte")
    assert inside.last.status_code == 200, "the token is still good"
    clock.now += 280
    inside.get("/compte")
    assert inside.last.status_code == 503
    provider.away = False
    inside.get("/compte")
    assert inside.last.status_code == 200


@pytest.mark.parametrize(
    "fault",
    [client.UnavailableError("away"), client.RefusedError(Refused(ErrorCode.SLOW_DOWN, wait=5))],
    ids=["away", "slow down"],
)
@pytest.mark.parametrize("name", [name for name in PAGES if name not in FORMS])
def test_accountd_that_does_not_answer_is_told(inside: Any, accountd: Any, name: str, fault: Exception) -> None:
    accountd.answer = fault
    inside.get(ADDRESSES[name][0])
    assert inside.last.status_code in (429, 503)
    accountd.answer = replace(DONE, devices=(), journal=())
    inside.get(ADDRESSES[name][0])
    assert inside.last.status_code == 200
