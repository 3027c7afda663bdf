"""An agent looks in both webmails for a message that was taken back: by search, list, address and move."""

import json

import pytest
from malleposte.platform.mailstore import RETRACTED

from tests.browser.support import roundcube, sogo
from tests.browser.support.agent import Reader
from tests.browser.support.browser import Browser
from tests.stack.support.mail import Mail, compose, token
from tests.stack.support.site import Account

pytestmark = pytest.mark.full

FETCH = """
const [address, form, done] = arguments;
const json = typeof form === 'string';
const headers = json ? {'Content-Type': 'application/json'}
  : {'X-Roundcube-Request': window.rcmail ? rcmail.env.request_token : ''};
const body = form ? (json ? form : new URLSearchParams(form)) : undefined;
const xsrf = (document.cookie.match(/XSRF-TOKEN=([^;]+)/) || [])[1];
if (xsrf) headers['X-XSRF-TOKEN'] = xsrf;
fetch(address, {method: form ? 'POST' : 'GET', body: body, headers: headers})
  .then(async answer => done([answer.status, await answer.text()]), error => done([0, String(error)]));
"""


def fetched(browser: Browser, address: str, form: object = None) -> tuple[int, str]:
    """The answer to a request of the page that is open, with its cookies."""
    status, text = browser.driver.execute_async_script(FETCH, address, form)
    return int(status), str(text)


def put(mail: Mail, agent: Account) -> tuple[str, str]:
    """A message in the inbox and one that was taken back: a word of each."""
    honest, taken = token(), token()
    for folder, word in (("INBOX", honest), (RETRACTED, taken)):
        message = compose("a@lointain.test", agent.mail, f"Alerte {word}", f"Texte {word}").decode()
        mail.site.run("mail1", f"doveadm save -u {agent.uid} -m {folder}", given=message)
    return honest, taken


def sealed(mail: Mail, agent: Account) -> list[str]:
    """The subjects of what was taken back."""
    rows = mail.site.run("mail1", f"doveadm -f json fetch -u {agent.uid} hdr.subject mailbox {RETRACTED} ALL")
    return [row["hdr.subject"] for row in json.loads(rows)]


def test_roundcube_reads_nothing_of_it(browser: Browser, reader: Reader, mail: Mail) -> None:
    agent = reader.agent("roundcube", letters=False)
    honest, taken = put(mail, agent)
    roundcube.log_in(browser, agent)
    reached = set()
    for mailbox in ("INBOX", RETRACTED):
        place = f"/?_task=mail&_remote=1&_mbox={mailbox}"
        for address in (
            f"{place}&_action=list&_refresh=1", f"/?_task=mail&_action=show&_uid=1&_mbox={mailbox}",
            f"/?_task=mail&_action=viewsource&_uid=1&_mbox={mailbox}",
            f"/?_task=mail&_action=preview&_uid=1&_mbox={mailbox}", f"{place}&_action=search&_q=Alerte&_scope=base",
            f"{place}&_action=search&_q=Alerte&_scope=all", f"{place}&_action=search&_q=Alerte&_scope=sub",
            f"/?_task=mail&_action=get&_uid=1&_part=1&_mbox={mailbox}",
            f"/?_task=settings&_action=edit-folder&_mbox={mailbox}", "/?_task=settings&_action=folders",
        ):  # fmt: skip
            _status, text = fetched(browser, address)
            assert taken not in text, address
            if honest in text:
                reached.add((mailbox, address.partition("_action=")[2].partition("&")[0]))
    assert {act for mailbox, act in reached if mailbox == "INBOX"} >= {"list", "show", "viewsource", "search", "get"}
    for act in ("move", "copy"):
        form = {"_remote": "1", "_mbox": RETRACTED, "_target_mbox": "INBOX", "_uid": "1"}
        fetched(browser, f"/?_task=mail&_action={act}", form)
    assert sealed(mail, agent) == [f"Alerte {taken}"] and mail.count(agent, taken) == 0
    form = {"_remote": "1", "_mbox": "INBOX", "_target_mbox": "Corbeille", "_uid": "1"}
    fetched(browser, "/?_task=mail&_action=copy", form)
    assert mail.count(agent, honest, "Corbeille") == 1, "the same act on an honest message"


def test_sogo_reads_nothing_of_it(browser: Browser, reader: Reader, mail: Mail) -> None:
    agent = reader.agent("convergence", letters=False)
    honest, taken = put(mail, agent)
    sogo.log_in(browser, agent)
    root, reached = f"/SOGo/so/{agent.uid}/Mail/0", set()
    search = json.dumps({"filters": [{"searchBy": "subject", "searchInput": "Alerte"}]})
    folders = ("INBOX", ".SEALED/folderretracted", "_DOT_SEALED/folderretracted", ".SEALED%2Fretracted",
               "_DOT_SEALED_SLASH_retracted", ".SEALED_SLASH_retracted", ".SEALED.retracted")  # fmt: skip
    for folder in folders:
        place = f"{root}/folder{folder}"
        act = json.dumps({"uids": [1], "folder": "/0/folderINBOX"} if folder != "INBOX" else {})
        for address, form in (
            (f"{place}/view", "{}"), (f"{place}/1/view", None), (f"{place}/1/viewsource", None), (f"{place}/1", None),
            (f"{place}/view", search), (f"{place}/exportFolder", None), (f"{place}/1/export", None),
            (f"{place}/saveMessages", '{"uids":[1]}'), (f"{root}/view", "{}"), (f"{root}/mailboxes", None),
            (f"{place}/moveMessages", act), (f"{place}/copyMessages", act),
        ):  # fmt: skip
            _status, text = fetched(browser, address, form)
            assert taken not in text, address
            if honest in text:
                reached.add(address.rpartition("/")[2])
    assert reached >= {"view", "viewsource"}, reached
    assert sealed(mail, agent) == [f"Alerte {taken}"] and mail.count(agent, taken) == 0
