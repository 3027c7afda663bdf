"""Roundcube as an agent uses it: read, write, filter, find a colleague. The log-in has a file of its own."""

import contextlib
import email
import email.policy
import secrets

import pytest

from tests.stack.support.mail import token, utf7
from tests.stack.support.schools import Schools

pytestmark = pytest.mark.scattered


def database(host, sql):
    """Return the database's answer to its owner."""
    return host.run_test(f'runuser -u roundcube -- psql -XAtq -h /run/postgresql -c "{sql}" roundcube').stdout.strip()


def test_what_an_agent_sends_arrives_signed(agent, mail, platform):
    account, here = agent
    word = token()
    said = here.send("probe@lointain.test", f"Élève {word}", f"Voilà le message {word}.")
    assert "sent_successfully" in said, said
    message = email.message_from_bytes(mail.at_foreign("probe", word), policy=email.policy.default)
    assert message["Subject"] == f"Élève {word}"
    assert message["From"].addresses[0].addr_spec == account.mail
    assert f"d={platform['domain']}" in message["DKIM-Signature"].replace(" ", "")
    assert mail.count(account, word, "Envoyés") == 1


def test_the_folders_are_the_server_s(agent):
    _, here = agent
    folders = here.env(here.page(_task="mail"))["mailboxes"]
    names = {"Brouillons", "Envoyés", "Indésirables", "Corbeille", "Archives"}
    assert {utf7(name) for name in names} <= set(folders)


def test_an_address_is_the_same_account_as_the_uid(webmail, people, mail1):
    account = people.agent()
    for name in (account.uid, account.mail.upper(), account.mail):
        assert webmail().login(name, account.password)
    assert database(mail1, f"SELECT count(*) FROM users WHERE username LIKE '{account.uid}%'") == "1"
    assert database(mail1, f"SELECT username FROM users WHERE username LIKE '{account.uid}%'") == account.uid


def test_identities_are_the_addresses_of_the_directory(webmail, people, mail1, platform):
    uid = f"essai-{token()[2:10]}"
    old = f"ancien-{uid}@{platform['domain']}"
    account = people.agent(uid=uid, addresses=(f"{uid}@{platform['domain']}", old))
    box = people.box(uid)
    assert webmail().login(uid, account.password)
    sql = (
        "SELECT string_agg(email, ' ' ORDER BY standard DESC, identity_id) FROM identities"
        f" JOIN users USING (user_id) WHERE username = '{uid}' AND identities.del = 0"
    )
    assert database(mail1, sql).split() == [account.mail, old, box.mail]
    names = sql.replace("email", "name", 1)
    assert f"Essai {uid}" in database(mail1, names)
    # A delegation that ends takes its identity along.
    database(mail1, f"UPDATE identities SET email = 'autre@{platform['domain']}' WHERE email = '{old}'")
    assert webmail().login(uid, account.password)
    assert set(database(mail1, sql).split()) == {account.mail, old, box.mail}


def test_an_identity_cannot_take_another_address(agent, mail1, platform):
    account, here = agent
    number = database(
        mail1, f"SELECT identity_id FROM identities JOIN users USING (user_id) WHERE username = '{account.uid}'"
    )
    form = {"_iid": number, "_name": "Autre", "_email": f"recteur@{platform['domain']}", "_token": here.token}
    here.ask("/?_task=settings&_action=save-identity&_framed=1", form)
    sql = f"SELECT name, email FROM identities WHERE identity_id = {number}"
    assert database(mail1, sql) == f"Autre|{account.mail}"


VISITORS, TURNS = 6, 300
TAKE = """
require "/var/lib/roundcube/plugins/malleposte/places.php";
for ($turn = $refused = 0; $turn < (int) $argv[2]; $turn++) {
    $places = new malleposte_places($argv[1], (int) $argv[3]);
    $refused += !$places->take("network 1", "network 1");
    usleep(1000);
    unset($places);
}
echo "$refused ";
"""


@pytest.mark.parametrize(("places", "refused"), [(4 * VISITORS, False), (VISITORS // 2, True)])
def test_visitors_of_one_network_who_come_together_get_their_place_while_there_is_room(mail1, places, refused):
    """A place that is only looked at must not count as held, by whom it served last."""
    take = f"php -r '{TAKE}' -- $folder {TURNS} {places} &"
    script = f"folder=$(mktemp -d) && {{ {take * VISITORS} wait; rm -r $folder; }}"
    found = [int(count) for count in mail1.check_output(script).split()]
    assert len(found) == VISITORS
    assert (sum(found) > 0) is refused, found


def test_a_filter_is_a_sieve_script_of_the_server(agent, mail):
    account, here = agent
    form = {
        "_task": "settings",
        "_action": "plugin.managesieve-save",
        "_framed": "1",
        "_fid": "",
        "_name": "Syndicats",
        "_enabled": "1",
        "_join": "allof",
        "_token": here.token,
        "_header[]": "subject",
        "_custom_header[]": "",
        "_rule_op[]": "contains",
        "_rule_target[]": "syndicat",
        "_action_type[]": "fileinto",
        "_action_mailbox[]": "Archives",
        "_rule_mod[]": "",
        "_rule_comp[]": "",
        "_rule_mod_type[]": "",
    }
    here.ask("/?_task=settings&_action=plugin.managesieve-save", form)
    session = mail.sieve(account)
    assert session.scripts() == {"roundcube": True}
    script = b"".join(session.command('GETSCRIPT "roundcube"'))
    assert b"syndicat" in script
    assert b"Archives" in script


def test_a_colleague_is_found(agent, accounts):
    _, here = agent
    colleague = next(account for account in accounts.values() if not account.uid.startswith("probe"))
    word = colleague.mail.partition("@")[0].split(".")[-1]
    found = here.call(_form={"_search": word, "_source": "", "_reqid": "1"}, _task="mail", _action="autocomplete")
    assert colleague.mail in str(found["exec"])


def test_the_school_stands_beside_a_name(agent, people, site):
    _, here = agent
    with contextlib.closing(Schools(site)) as schools:
        code = schools.create("Collège Jean-Moulin")
        surname = f"Dupond-{secrets.token_hex(3)}"
        named = {"given_name": "Marie", "surname": surname, "hidden": False}
        there, nowhere = people.agent(**named, establishments=(code,)), people.agent(**named)
        form = {"_search": surname, "_source": "", "_reqid": "1"}
        found = str(here.call(_form=form, _task="mail", _action="autocomplete")["exec"])
        assert f"<{there.mail}> — Collège Jean-Moulin" in found.replace("\\/", "/")
        assert f"<{nowhere.mail}> —" not in found and nowhere.mail in found
        hidden = people.agent(establishments=(code,))
        form = {"_addresses": f"{there.mail} {hidden.mail} {nowhere.mail} x)(uid=*"}
        told = str(here.call(_form=form, _task="mail", _action="plugin.malleposte-schools"))
        assert there.mail in told and "Jean-Moulin" in told
        assert hidden.mail not in told and nowhere.mail not in told


def test_the_password_page_leads_to_the_portal(agent, platform):
    _, here = agent
    page = here.page(_task="settings", _action="plugin.malleposte-password")
    address = f"https://{platform['hostnames']['portal']}/motdepasse"
    assert address in page
    assert "Changer mon mot de passe" in page
    assert 'type="password"' not in page


@pytest.mark.parametrize(
    "path",
    [
        "/config/config.inc.php",
        "/temp/",
        "/logs/errors.log",
        "/installer/",
        "/SQL/postgres.initial.sql",
        "/bin/update.sh",
        "/plugins/malleposte/malleposte.php",
        "/plugins/managesieve/config.inc.php",
        "/program/lib/Roundcube/rcube.php",
        "/.htaccess",
    ],
)
def test_what_is_no_page_is_not_served(webmail, path):
    assert webmail().ask(path).status in (403, 404)


def test_cookies_stay_on_https(webmail):
    lines = webmail().ask("/").headers.get_all("Set-Cookie")
    assert lines
    assert all("secure" in line.lower() and "httponly" in line.lower() for line in lines)


def test_secrets_are_not_for_everybody(site, mail1):
    for path, mode in (("/etc/roundcube/config.inc.php", 0o640), ("/etc/php/8.4/fpm/pool.d/malleposte.conf", 0o600)):
        assert mail1.file(path).mode == mode
    for name in ("roundcube-session", "ldap-roundcube"):
        word = site.secret(name)[:32]
        found = mail1.run(f"grep -rlF -- '{word}' /etc /var/lib/roundcube /usr/local | xargs -r stat -c '%a %n'").stdout
        assert [line for line in found.splitlines() if line.split()[0][-1] != "0"] == []


def test_no_complaint_was_written(agent, mail1):
    _, here = agent
    begun = mail1.check_output("date +%s")
    here.page(_task="settings", _action="plugin.managesieve")
    here.page(_task="addressbook")
    said = mail1.run(f"journalctl -t roundcube -t php-fpm --since=@{begun} --no-pager -o cat").stdout
    assert [line for line in said.splitlines() if "PHP" in line or "config" in line] == []


def test_php_reads_nothing_outside_its_folders_and_starts_nothing(mail1):
    pool = mail1.file("/etc/php/8.4/fpm/pool.d/malleposte.conf").content_string
    assert "open_basedir" in pool
    assert "proc_open" in pool
    assert not mail1.file("/etc/php/8.4/fpm/pool.d/www.conf").exists


def test_the_tables_are_of_the_installed_version(mail1):
    schema = mail1.run("runuser -u roundcube -- /usr/local/lib/malleposte/roundcube-schema --check")
    assert schema.stdout.startswith("current")


@pytest.mark.parametrize("unit", ["roundcube-gc.service", "roundcube-cleandb.service"])
def test_the_cleaning_works(mail1, unit):
    mail1.run_test(f"systemctl start {unit}")
    assert mail1.check_output(f"systemctl show -P Result {unit}") == "success"
