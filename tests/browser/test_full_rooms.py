"""Agents whose files fill their room read what to do, in both webmails, and what they wrote stays on the page."""

from pathlib import Path

import pytest
from selenium.webdriver.common.by import By

from tests.browser.support import roundcube
from tests.browser.support.agent import Reader
from tests.browser.support.browser import DESKTOP, Browser
from tests.browser.support.sso import enter_at
from tests.stack.support.site import Site

pytestmark = pytest.mark.full


def lay(site: Site, folder: str, user: str) -> None:
    """Lay a file in a folder of the web's host that takes more than any room."""
    site.run(site.host_of("web"), f"runuser -u {user} -- mkdir -p {folder}")
    site.run(site.host_of("web"), f"runuser -u {user} -- truncate -s 600M {folder}/essai.bin")


def begin(browser: Browser) -> None:
    """Begin a message in SOGo."""
    browser.click("button.md-fab[aria-label='Écrire un nouveau message']")
    browser.click("md-fab-actions button", "open_in_browser")


def test_roundcube_says_that_files_fill_their_room(
    browser: Browser, reader: Reader, site: Site, tmp_path: Path
) -> None:
    agent, file = reader.agent("roundcube"), tmp_path / "note.txt"
    file.write_text("Bonjour", "utf-8")
    roundcube.log_in(browser, agent)
    browser.open("webmail", "/?_task=mail&_action=compose")
    browser.write("#compose-subject", "Conseil de classe")
    sql = f"SELECT user_id FROM users WHERE username = '{agent.uid}'"
    number = site.run("mail1", f'runuser -u roundcube -- psql -XAtq -h /run/postgresql -c "{sql}" roundcube').strip()
    folder = f"/var/cache/roundcube/agent-{number}/essai"
    lay(site, folder, "roundcube")
    browser.driver.find_element(By.CSS_SELECTOR, "#uploadform input[type=file]").send_keys(str(file))
    browser.seen("#messagestack", "occupent toute la place prévue")
    browser.picture("roundcube-full-room")
    subject = browser.driver.find_element(By.ID, "compose-subject").get_attribute("value")
    assert subject == "Conseil de classe"
    site.run("mail1", f"rm -r {folder}")
    browser.driver.find_element(By.CSS_SELECTOR, "#uploadform input[type=file]").send_keys(str(file))
    browser.wait(
        lambda: "note.txt" in str(browser.driver.find_element(By.ID, "attachment-list").get_attribute("textContent")),
        "the file is not taken once there is room",
    )


@pytest.mark.parametrize("browser", [DESKTOP], indirect=True, ids=["desktop"])
def test_sogo_says_that_files_fill_their_room(browser: Browser, reader: Reader, site: Site) -> None:
    agent = reader.agent("convergence", letters=False)
    enter_at(browser, agent, "groupware")
    browser.seen(".sg-folder-name", "Boîte de réception")
    folder = f"/var/spool/sogo/{agent.uid}/newDraft1-1"
    lay(site, folder, "sogo")
    begin(browser)
    browser.seen("md-toast, md-dialog", "occupent toute la place prévue")
    browser.picture("sogo-full-room")
    site.run("mail1", f"rm -r {folder}")
    browser.open("groupware", "/SOGo")
    browser.seen(".sg-folder-name", "Boîte de réception")
    begin(browser)
    browser.seen("#mailEditor input[name=subject]")
