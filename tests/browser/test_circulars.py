"""« Circulaires » in a browser: an agent finds what a list sent, reads it, and takes the attachment along."""

from collections.abc import Callable
from typing import Any

from tests.browser.support.browser import Browser
from tests.browser.support.everyone import checked
from tests.browser.support.forms import complaints, fill
from tests.browser.support.sso import enter_at
from tests.stack.support.accounts_cli import Cli
from tests.stack.support.circulars import addresses, written
from tests.stack.support.desk import entered
from tests.stack.support.mail import Mail, token, wait_for
from tests.unit.daemons.test_circulars import pdf_of


def test_a_circular_is_found_by_a_word_of_its_pdf(
    browser: Browser, person: Any, site: Any, web: Any, mail: Mail, lists: Callable[..., str]
) -> None:
    writer, member, word = person(), person(), token()
    address = lists(member=[member.uid], poster=[writer.uid])
    Cli(site).out("lists", "set", address.partition("@")[0], "--archive")
    subject = f"Calendrier des examens {word}"
    message = written(writer.account.mail, address, subject, "du brevet", ("Calendrier.pdf", pdf_of(f"Session {word}")))
    assert mail.submit(writer.account, writer.account.mail, address, message).accepted
    mail.arrived(member.account, word)
    reader = entered(site, web, member)
    assert wait_for(lambda: addresses(reader, f"session {word}"), what="the words of the PDF")
    enter_at(browser, member.account, "portal", "/compte/circulaires")
    browser.seen("h1", "Circulaires")
    fill(browser, words="motquinestpasla")
    browser.seen("main", "Aucune circulaire avec ces mots.")
    fill(browser, words=f"session {word}")
    browser.seen(".cards", subject)
    checked(browser, "portal-circulars")
    browser.click("main a", subject, heading=subject)
    browser.seen("main", "Calendrier.pdf")
    checked(browser, "portal-circular")
    assert complaints(browser) == []
