"""« Mes données » on the lab: a copy is made in the background, is its owner's alone, and goes with the account."""

import datetime
import io
import json
import time
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from malleposte.policy import rules

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.mail import Mail, compose, token
from tests.stack.support.signed_on import SignedOn
from tests.stack.support.site import Site
from tests.stack.support.web import Web
from tests.support.page import Page

pytestmark = pytest.mark.together("portal-log-in")
PAGE, FETCH, END = "/compte/donnees", "/compte/donnees/telecharger", "/compte/donnees/supprimer"
FOLDER = "/var/lib/malleposte-own-data"
PATIENCE = 180
TO_COME = 1972
STRANGE = {1971: 1980, TO_COME: 2107}
"""Years of messages, of which one is brought to 2200, and the years that a ZIP file gives them."""


@pytest.fixture
def enter(site: Site, web: Web, person: Any) -> Callable[[], tuple[SignedOn, Any]]:
    """Agents who are logged in, each in a browser of its own."""

    def made() -> tuple[SignedOn, Any]:
        who, visitor = person(), SignedOn(site, web)
        page = visitor.log_in(who.uid, who.account.password)
        assert page.heading == "Mon compte", page.all("main")
        return visitor, who

    return made


def text(page: Page) -> str:
    """The words of a page."""
    found: str = page.main
    return found


def ready(visitor: SignedOn) -> str:
    """The words of the page once the copy is ready."""
    until = time.monotonic() + PATIENCE
    while "La copie est prête" not in (shown := text(visitor.get(PAGE))):
        assert time.monotonic() < until, shown
        assert "n’a pas pu être préparée" not in shown, shown
        time.sleep(2)
    return shown


def fetched(visitor: SignedOn) -> zipfile.ZipFile:
    """The copy, as the button of the page brings it."""
    (form,) = [one["fields"] for one in visitor.get(PAGE).forms() if one["action"] == FETCH]
    answer = visitor.ask(FETCH, form)
    assert answer.status == 200, answer.text[:2000]
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Length"] == str(len(answer.body))
    return zipfile.ZipFile(io.BytesIO(answer.body))


def held(site: Site, uid: str) -> list[str]:
    """The files of an account's copy on the directory's host."""
    listed = site.run(site.host_of("directory"), f"find {FOLDER} -name '{uid}.*' -printf '%f %u %m\\n'")
    return sorted(listed.split("\n")[:-1])


def test_a_copy_is_asked_for_made_and_is_its_owner_s_alone(enter: Any, site: Site, mail: Mail) -> None:
    (visitor, who), (other, neighbour), subject = enter(), enter(), token()
    mail.imap(who.account).append("Archives", "", None, compose("a@lointain.test", who.account.mail, subject))
    for year in STRANGE:  # what ZIP has no date for
        far = compose("a@lointain.test", who.account.mail, f"{subject} {year}")
        mail.imap(who.account).append("Archives", "", f'"01-Feb-{year} 12:00:00 +0000"', far)
    # Dovecot takes no date to come; a message that was brought by another way has one.
    then = f"-newermt {TO_COME}-01-01 ! -newermt {TO_COME + 1}-01-01 -exec touch -d 2200-02-01 {{}} + -print"
    look = f"find /srv/mail/*/{who.uid}/Maildir/.Archives -type f {then}"
    assert site.run(site.host_of("mail"), look).count("\n") == 1
    wrong = visitor.send(PAGE, password=rules.generate())
    assert "Mot de passe inexact" in wrong.named("errors") and held(site, who.uid) == []
    page = visitor.send(PAGE, password=who.account.password)
    assert not page.named("errors"), text(page)
    assert "sera effacée le" in ready(visitor)
    assert held(site, who.uid) == [f"{who.uid}.json accountd 600", f"{who.uid}.zip accountd 600"]
    assert site.run(site.host_of("directory"), f"stat -c '%U %a' {FOLDER}").strip() == "accountd 700"

    # It holds what an operator gets.
    cli, archive = Cli(site), fetched(visitor)
    exported = cli.typed("export", who.uid, "--out", "-", "--reason", "comparison", given=b"")
    theirs = zipfile.ZipFile(io.BytesIO(exported.stdout))
    letters = [name for name in theirs.namelist() if name.startswith("courrier/INBOX/")]
    assert set(archive.namelist()) <= set(theirs.namelist())
    assert {name for name in theirs.namelist() if name not in archive.namelist()} <= set(letters), "the letter since"
    told = {archive.read(one): one.date_time[0] for one in archive.infolist() if one.filename.endswith(".eml")}
    assert len([content for content in told if subject.encode() in content]) == 1 + len(STRANGE)
    for year, shown in STRANGE.items():
        assert [then for content, then in told.items() if f"{subject} {year}".encode() in content] == [shown]
    assert archive.read("compte.json") == theirs.read("compte.json")
    assert "MANQUE.txt" not in archive.namelist()

    # The neighbour has none, and none of this agent's.
    assert "pas encore demandé" in text(other.get(PAGE)) and not held(site, neighbour.uid)
    (form,) = [one["fields"] for one in other.get(PAGE).forms() if one["action"] == PAGE]
    answer = other.ask(FETCH, {"csrf_token": form["csrf_token"]})
    assert answer.status == 422 and "pas de copie" in answer.text
    stranger = SignedOn(site, other.web)
    assert stranger.ask(FETCH, {}).status == 400 and stranger.ask(FETCH).status == 405
    assert fetched(visitor).testzip() is None

    # Once a day; and the owner is told of each act.
    assert "Vous pourrez demander une autre copie" in text(visitor.get(PAGE))
    for words in ("A copy of your data was asked for", "The copy of your data is ready"):
        assert FETCH.encode() not in mail.arrived(who.account, words), "no address leads to it"
    journal = text(visitor.get("/compte/journal"))
    for act in ("demandée", "préparée", "téléchargée"):
        assert f"copie de vos données {act}" in journal.lower()


@pytest.mark.full
def test_its_time_ends_by_itself(enter: Any, site: Site) -> None:
    visitor, who = enter()
    visitor.send(PAGE, password=who.account.password)
    ready(visitor)
    host, path = site.host_of("directory"), f"{FOLDER}/{who.uid}.json"
    copy = json.loads(site.run(host, f"cat {path}"))
    now = datetime.datetime.now(datetime.UTC)
    assert abs((datetime.datetime.strptime(copy["until"] + "+0000", "%Y%m%d%H%M%SZ%z") - now).days - 6) <= 1
    site.run(host, f'sed -i \'s/"until": "[0-9]*Z"/"until": "20260101000000Z"/\' {path}')
    assert "Votre dernière copie est effacée" in text(visitor.get(PAGE))
    site.run_job(host, "malleposte-accounts-own-data.service")
    assert held(site, who.uid) == [f"{who.uid}.json accountd 600"]


@pytest.mark.full
def test_what_makes_copies_waits_for_everybody_else(site: Site) -> None:
    host, unit = site.host_of("directory"), "malleposte-accounts-own-data"
    assert site.run(host, f"systemctl is-active {unit}.path").strip() == "active"
    for name, value in (("Nice", "19"), ("CPUSchedulingPolicy", "5"), ("IOSchedulingClass", "3")):
        assert site.run(host, f"systemctl show -P {name} {unit}.service").strip() == value, name
    assert FOLDER not in site.run(host, "grep -rhs malleposte-own-data /etc/borgmatic* || true")
