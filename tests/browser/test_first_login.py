"""A first log-in as an agent makes it, from the printed letter to the first mail; and a forgotten log-in."""

import re
from pathlib import Path
from typing import Any

import pypdf
import pytest
from malleposte.directory.model import State
from malleposte.policy import rules
from selenium.webdriver.common.by import By

from tests.browser.support.browser import PHONE, Browser, first_on
from tests.browser.support.everyone import for_everyone
from tests.browser.support.forms import complaints, fill, human
from tests.stack.support import leaks, texts, typed_secrets
from tests.stack.support.accounts_cli import Cli
from tests.stack.support.mail import token

pytestmark = first_on(PHONE)

CODE = re.compile(r"\b[0-9A-Z]{5}-[0-9A-Z]{5}\b")


def printed(site: Any, who: Any, folder: Path) -> str:
    """The code of an agent, as the letter that the controller prints has it."""
    done = Cli(site).typed("letters", who.uid, "--out", folder, given=b"")
    assert done.returncode == 0, done.stderr
    pages = [page for file in folder.glob("*.pdf") for page in pypdf.PdfReader(file).pages]
    text = " ".join(" ".join(page.extract_text().split()) for page in pages)
    assert "choisissez « Activer mon compte »" in text.replace("\u00a0", " ")
    (code,) = CODE.findall(text)
    typed_secrets.noted(code=code)
    return str(code)


def gives_phone(browser: Browser, site: Any, number: str) -> None:
    """A telephone, and the code that goes there; a wrong one of each first."""
    fill(browser, value="12")
    browser.seen("#value-error")
    for_everyone(browser)
    fill(browser, value=number)
    browser.seen("h1", "Vérifier votre téléphone")
    for_everyone(browser, "portal-activate-phone-code")
    sent = texts.code_in(texts.awaited(site, number)[0])
    typed_secrets.noted(code=sent)
    fill(browser, value="33333-33333")
    browser.seen("#value-error")
    fill(browser, value=sent)


def gives_means(browser: Browser, site: Any, who: Any, code: str, mark: str, number: str, mail: Any) -> None:
    """Telephone and recovery address, with wrong answers first and a connection that is lost."""
    browser.seen("h1", "Votre téléphone")
    browser.seen(".person", who.uid)
    for_everyone(browser, "portal-activate-phone")
    gives_phone(browser, site, number)

    browser.seen("h1", "Votre adresse de secours")
    for_everyone(browser, "portal-activate-mail")
    fill(browser, value=who.account.mail)
    browser.seen("#value-error", "hors de l’académie")
    fill(browser, value=f"test+{mark}@lointain.test")
    browser.seen("h1", "Vérifier votre adresse de secours")
    for_everyone(browser, "portal-activate-confirm")
    letter = mail.at_foreign("test", f"test+{mark}").decode()
    confirmation = re.findall(r"^ {4}([0-9A-Z]{5}-[0-9A-Z]{5})\r?$", letter, re.MULTILINE)[0]
    typed_secrets.noted(code=confirmation)
    fill(browser, value="33333-33333")
    browser.seen("#value-error")

    # The connection is lost: another visit with the same two secrets goes on here.
    browser.driver.delete_all_cookies()
    browser.open("portal", "/activer/etape")
    browser.seen("h1", "Activer mon compte")
    fill(browser, numen=who.numen, code=code)
    browser.seen("h1", "Vérifier votre adresse de secours")
    fill(browser, value=confirmation)


def test_from_the_letter_to_the_first_mail(
    browser: Browser, site: Any, person: Any, enters: Any, mail: Any, tmp_path: Path
) -> None:
    who, new, mark, number = person(State.PENDING), rules.generate(), token(), texts.number()
    code = printed(site, who, tmp_path / "letters")
    browser.open("portal")
    browser.click(".tiles a", "Activer mon compte", heading="Activer mon compte")
    human(browser)
    assert not browser.driver.find_element(By.ID, "answer").is_displayed()
    for_everyone(browser, "portal-activate")

    fill(browser, numen=who.numen, code="AAAAA-22222")
    browser.seen("#errors", "ne permettent pas de vous reconnaître")
    for_everyone(browser, "portal-activate-refused")
    fill(browser, code=code)

    gives_means(browser, site, who, code, mark, number, mail)
    browser.seen("h1", "La charte")
    for_everyone(browser, "portal-activate-charter")
    browser.driver.execute_script("document.querySelector('#value').click()")
    browser.click("form.narrow button[type=submit]")

    browser.seen("h1", "Votre mot de passe")
    fill(browser, new="azerty", again="azertyu")
    browser.seen("#errors")
    for_everyone(browser, "portal-activate-password")
    fill(browser, new=new, again=new)
    browser.seen("h1", "Votre compte est activé")
    browser.seen("main", who.uid)
    for_everyone(browser, "portal-activated")
    assert complaints(browser) == []
    assert enters(who.uid, new)
    assert who.held("mpState", "mpRecoveryMail", "mpRecoveryPhone", "mpInaCode") == {
        "mpState": ["active"], "mpRecoveryMail": [f"test+{mark}@lointain.test"], "mpRecoveryPhone": [number],
    }  # fmt: skip
    browser.open("portal", "/activer")
    fill(browser, numen=who.numen, code=code)
    browser.seen("#errors")
    typed = leaks.given({new: "the password", code: "the code", who.numen: "the NUMEN"})
    assert [leaks.on_host(site, host, typed) for host in ("mail1", "pia1")] == [[], []]


@pytest.mark.parametrize("path", ["/oublie", "/oublie/identifiant", "/motdepasse/code", "/motdepasse/oublie"])
def test_what_is_forgotten_is_for_everyone(browser: Browser, path: str) -> None:
    browser.open("portal", path)
    for_everyone(browser, f"portal-forgotten-{path.rpartition('/')[2]}")
    assert browser.complaints() == []


def test_a_forgotten_log_in_comes_by_mail(browser: Browser, person: Any, mail: Any) -> None:
    mark = token()
    who = person(mpRecoveryMail=[f"test+{mark}@lointain.test"])
    browser.open("portal", "/oublie")
    browser.click(".tiles a", "Retrouver mon identifiant")
    human(browser)
    browser.requests()
    # The page is left open for an hour: the browser works anew before it sends the form.
    browser.driver.execute_script("const now = Date.now; Date.now = () => now() + 3600e3")
    fill(browser, numen=who.numen)
    browser.seen("h1", "Demande enregistrée")
    assert [url for _method, url, _body in browser.requests() if url.endswith("/verification.json")]
    assert who.uid not in browser.words()
    for_everyone(browser, "portal-forgotten-sent")
    assert f"    {who.uid}" in mail.at_foreign("test", f"test+{mark}").decode()


@pytest.mark.full
def test_without_javascript_a_question_is_asked(browser: Browser, person: Any) -> None:
    browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    browser.open("portal", "/activer")
    browser.seen("#human-question", "Combien font")
    browser.seen("#answer")
    browser.picture("portal-activate-question")
