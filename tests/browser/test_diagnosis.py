"""The diagnosis of an agent who is logged in: what is wrong and what to do, in both languages, on a phone as well."""

from typing import Any

from malleposte.policy import rules

from tests.browser.support.browser import Browser
from tests.browser.support.everyone import checked
from tests.browser.test_log_in import enter
from tests.stack.shared.accounts.test_record import imap, with_program
from tests.stack.support.mail import FOREIGN, Mail, wait_for


def test_an_agent_reads_what_is_wrong_and_what_to_do(browser: Browser, person: Any, mail: Mail) -> None:
    who = person()
    enter(browser, who)
    browser.open("portal", "/diagnostic")
    browser.seen("main", "Rien d’anormal sur votre compte")
    checked(browser, "portal-diagnosis-good")
    sender = f"pub@{FOREIGN}"
    for _ in range(2):
        assert not imap(mail, who.account, rules.generate())
    mail.set_filter(who.account, "ailleurs", f'require "copy";\nredirect :copy "test@{FOREIGN}";\n')
    mail.stranger(sender, who.account.mail, with_program(sender, who.account.mail))

    def told() -> bool:
        browser.open("portal", "/diagnostic")
        text = browser.seen("main").text
        return "2 connexions refusées" in text and "1 message refusé" in text

    wait_for(told, 60, "what was refused")
    browser.seen("main", "Un filtre envoie vos messages ailleurs")
    browser.seen("main", "type interdit")
    checked(browser, "portal-diagnosis-own")
    browser.open("portal", "/en/diagnosis")
    browser.seen("main", "What to do")
    checked(browser, "portal-diagnosis-own-en")
    assert browser.complaints() == []
