"""The files of an agent that wait in Roundcube: they have a room, beyond which the agent is told, and others go on."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.stack.support.mail import token
from tests.stack.support.webmail import plain

pytestmark = pytest.mark.scattered
MB = 1 << 20
FILE = bytes(30 * MB)
FULL = "toute la place prévue"


@pytest.fixture
def waiting(mail1, agent):
    """Yield the folder of the agent's files, and a function that sums them."""
    account, _ = agent
    sql = f"SELECT user_id FROM users WHERE username = '{account.uid}'"
    number = mail1.check_output(f'runuser -u roundcube -- psql -XAtq -h /run/postgresql -c "{sql}" roundcube')
    folder = f"/var/cache/roundcube/agent-{number}"
    yield folder, lambda: int(mail1.check_output(f"du -sb --apparent-size {folder} | cut -f1"))
    mail1.run(f"rm -rf {folder}/*/")


@pytest.fixture
def room(mail1):
    """Return the octets that the files of an agent may have together."""
    found = mail1.check_output("grep agents_waiting_mb /etc/roundcube/config.inc.php")
    return int(re.findall(r"\d+", found)[-1]) * MB


def fill(here, room):
    """Attach files in new windows until one is refused: the windows and the refusal."""
    windows = []
    for _ in range(room // len(FILE) + 3):
        page = here.compose()
        said = plain(here.attach(page, FILE))
        if "add2attachment_list" not in said:
            return windows, said
        windows.append(page)
    return windows, ""


def test_files_that_wait_have_a_room_by_agent(agent, webmail, people, mail, waiting, room):
    account, here = agent
    _, octets = waiting
    windows, said = fill(here, room)
    assert FULL in said and len(windows) == room // len(FILE)
    assert octets() < room + MB
    # Another agent attaches and sends; the one who was refused reads, and sends what was attached.
    other, there = people.agent(), webmail()
    assert there.login(other.uid, other.password)
    for who, browser, page in ((other, there, there.compose()), (account, here, windows[0])):
        if who is other:
            assert "add2attachment_list" in browser.attach(page, FILE)
        word = token()
        assert "sent_successfully" in browser.send(who.mail, f"Essai {word}", "Texte", page)
        mail.arrived(who, word)
        assert browser.list()
    # The message that was sent has left room.
    assert "add2attachment_list" in here.attach(here.compose(), FILE)


def test_files_that_come_together_do_not_pass_together(agent, waiting, room):
    _, here = agent
    _, octets = waiting
    pages = [here.compose() for _ in range(2 * room // len(FILE))]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda page: here.attach(page, FILE), pages))
    assert sum("add2attachment_list" in said for said in answers) == room // len(FILE)
    assert octets() < room + MB


@pytest.mark.full
def test_a_draft_whose_files_find_no_room_is_not_opened_without_them(agent, webmail, mail, waiting, room):
    account, here = agent
    page, word = here.compose(), token()
    here.attach(page, FILE)
    here.send(account.mail, f"Brouillon {word}", "Texte", page, _draft="1")
    assert mail.count(account, word, "Brouillons") == 1
    number = here.newest("Brouillons")
    fill(here, room)
    opened = here.compose(_mbox="Brouillons", _draft_uid=number)
    assert FULL in opened and "compose_id" not in opened
    assert mail.count(account, word, "Brouillons") == 1
    # Whoever logs out has the room again.
    here.ask(f"/?_task=logout&_token={here.token}")
    again = webmail()
    assert again.login(account.uid, account.password)
    opened = again.compose(_mbox="Brouillons", _draft_uid=number)
    assert "compose_id" in opened and "essai.bin" in opened


@pytest.mark.full
def test_contacts_that_are_imported_count_too(agent, waiting, room):
    _, here = agent
    fill(here, room)
    text = "Prénom,Nom\n" + "Zoé,Durand\n" * (30 * MB // 12)
    said = here.upload("import", "_file[]", text.encode(), _task="addressbook")
    assert FULL in plain(said)


def test_what_serves_one_answer_goes_with_it_and_a_session_s_files_with_the_session(agent, mail, mail1, waiting):
    account, here = agent
    folder, _ = waiting
    word = token()
    page = here.compose()
    here.attach(page, FILE)
    assert "sent_successfully" in here.send(account.mail, f"Essai {word}", "Texte", page)
    mail.arrived(account, word)
    query = f"_task=mail&_action=plugin.zipdownload.attachments&_mbox=INBOX&_uid={here.newest()}&_token={here.token}"
    assert here.ask(f"/?{query}").body.startswith(b"PK")
    assert mail1.check_output(f"find {folder} -name 'pass-*' -o -name 'RCMTEMP*'") == ""
    here.attach(here.compose(), FILE)
    clean = "systemctl start roundcube-gc.service"
    mail1.check_output(clean)
    assert mail1.check_output(f"find {folder} -name 'RCMTEMP*'")
    mail1.check_output(f"touch -d '3 hours ago' {folder}/*/ && {clean}")
    assert mail1.check_output(f"find {folder} -mindepth 1 -type d") == ""


@pytest.mark.full
def test_a_session_keeps_its_newest_windows(agent, waiting):
    _, here = agent
    _, octets = waiting
    oldest, newest = here.compose(), ""
    here.attach(oldest, FILE)
    for _ in range(100):
        newest = here.compose()
    assert octets() < MB, "the file of a window that is over"
    assert "add2attachment_list" not in plain(here.attach(oldest, b"x"))
    assert "add2attachment_list" in plain(here.attach(newest, b"x"))
