"""Rows of an agent in Roundcube's database have a bound: beyond it the agent is told, and others go on."""

import re

import pytest

from tests.stack.support.webmail import plain

pytestmark = pytest.mark.scattered
FULL = "plus de place pour vos contacts"
CARD = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{0}\r\nN:{0};;;;\r\nEMAIL:{0}@lointain.test\r\n{1}END:VCARD\r\n"


@pytest.fixture
def database(mail1):
    """Roundcube's database, asked by its owner."""

    def ask(sql):
        return mail1.check_output(f'runuser -u roundcube -- psql -XAtq -h /run/postgresql -c "{sql}" roundcube')

    return ask


@pytest.fixture
def rows(database, agent):
    """Return the number of the agent's rows in a table; with a number, lay that many contacts there first."""
    account, _ = agent
    user = database(f"SELECT user_id FROM users WHERE username = '{account.uid}'")

    def count(table="contacts", lay=0, deleted=0):
        if lay:
            values = f"SELECT {user}, 'C' || n, {deleted} FROM generate_series(1, {lay}) n"
            database(f"INSERT INTO contacts (user_id, name, del) {values}")
        return int(database(f"SELECT count(*) FROM {table} WHERE user_id = {user}"))

    return count


def save(here, name, note=""):
    """Add a contact by the page's form and return what the page is told."""
    form = {
        "_source": "0",
        "_name": name,
        "_email[0]": f"{name}@lointain.test",
        "_notes[0]": note,
        "_token": here.token,
    }
    return here.ask("/?_task=addressbook&_action=save&_framed=1", form).text


def imported(here, text, **query):
    """Import a file of contacts and return what the page is told."""
    query = {"_task": "addressbook", "_target": "0", "_framed": "1", **query}
    return here.ask("/?" + "&".join(f"{key}={value}" for key, value in {**query, "_action": "import"}.items()),
                    {"_token": here.token}, file=("_file[]", text.encode())).text  # fmt: skip


def test_contacts_have_a_bound_by_agent(agent, webmail, people, rows):
    _, here = agent
    assert rows(lay=19_990) == 19_990
    said = imported(here, "".join(CARD.format(f"zoe{number}", "") for number in range(30)))
    assert FULL in plain(said)
    # The agent's identities count too.
    assert 19_990 < rows() < 20_000
    assert FULL in plain(save(here, "paul"))
    group = here.call({"_source": "0", "_name": "Collègues"}, _task="addressbook", _action="group-create")
    assert FULL in plain(str(group))
    other, there = people.agent(), webmail()
    assert there.login(other.uid, other.password)
    assert FULL not in plain(save(there, "paul")) and "Collègues" in plain(
        str(there.call({"_source": "0", "_name": "Collègues"}, _task="addressbook", _action="group-create"))
    )


def test_what_was_deleted_makes_room(agent, rows):
    _, here = agent
    rows(lay=20_000, deleted=1)
    assert FULL not in plain(save(here, "zoe"))
    assert rows() == 1


@pytest.mark.full
def test_octets_have_a_bound_too(agent, rows):
    _, here = agent
    note = f"NOTE:{'é' * 5_000_000}\r\n"
    answers = [plain(imported(here, CARD.format(f"zoe{number}", note))) for number in range(6)]
    assert FULL not in answers[0] and FULL in answers[-1]
    assert 1 <= rows() < 6


def test_categories_of_an_import_are_counted(agent, rows):
    _, here = agent
    names = ",".join(f"g{number}" for number in range(11_000))
    assert FULL in plain(imported(here, CARD.format("zoe", f"CATEGORIES:{names}\r\n"), _groups="1"))
    assert rows("contactgroups") == 0


def test_preferences_have_a_bound(agent, database):
    account, here = agent
    sql = f"SELECT octet_length(preferences) FROM users WHERE username = '{account.uid}'"
    form = {"_name": "list_cols", "_value[]": "x" * 1_000_000}
    here.call(form, _task="utils", _action="save-pref")
    assert int(database(sql) or 0) < 300_000
    here.call({**form, "_value[]": "subject"}, _task="utils", _action="save-pref")
    assert re.search("subject", database(sql.replace("octet_length(preferences)", "preferences")))
