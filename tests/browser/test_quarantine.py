"""« Quarantaine »: its owner sees why a message lies there and releases it."""

from malleposte.platform.mailstore import QUARANTINE

from tests.browser.support.agent import Reader
from tests.browser.support.browser import Browser
from tests.browser.support.everyone import checked
from tests.browser.support.sso import enter_at
from tests.stack.support.mail import Mail, compose


def test_a_message_is_released(browser: Browser, reader: Reader, mail: Mail) -> None:
    agent, words = reader.agent("convergence"), ["Convention de stage", "Votre messagerie va fermer"]
    for word, reason in zip(words, ("archive", "score domain"), strict=True):
        header = {"X_Malleposte_Quarantine": f"quarantine {reason}"}
        message = compose("Claire Martin <claire.martin@lycee.test>", agent.mail, word, **header)
        mail.site.run("mail1", f"doveadm save -u {agent.uid} -m {QUARANTINE}", given=message.decode())
    enter_at(browser, agent, "portal", "/compte/quarantaine")
    browser.seen("main", "une archive chiffrée")
    checked(browser, "portal-quarantine")
    browser.click("label", words[0])
    browser.click("button", "Sortir les messages cochés")
    browser.seen("main", "Messages arrivés dans votre boîte de réception")
    checked(browser, "portal-released")
    text = browser.seen("main").text
    assert words[0] not in text and words[1] in text
    assert mail.count(agent, words[0]) == 1 and mail.count(agent, words[1]) == 0
    browser.open("portal", "/en/account/quarantine")
    browser.seen("main", "Release the ticked messages")
    assert browser.complaints() == []
