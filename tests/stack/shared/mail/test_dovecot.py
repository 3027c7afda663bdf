"""The mail store: log-ins and names, quotas, filters, and the effect of a bad value."""

import contextlib
import imaplib
import json
import shlex
import socket
import ssl

import pytest
from malleposte.platform.mailstore import home_of

from tests.stack.support.mail import compose, token, wait_for

pytestmark = pytest.mark.scattered

API = "http://127.0.0.1:9901/doveadm/v1"


@contextlib.contextmanager
def imaps(site, name, password):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with imaplib.IMAP4_SSL(site.address("mail1"), 993, ssl_context=context, timeout=30) as client:
        client.login(name, password)
        yield client


def quota_mb(client):
    _status, lines = client.getquota("storage")
    return int(lines[0].split()[-1].rstrip(b")")) // 1024


def test_folders_have_french_names_and_special_use(connect_imap, people):
    session = connect_imap(people.agent())
    listing, subscribed = (b"\n".join(ask()[1]) for ask in (session.list, session.lsub))
    for flag, name in (
        (b"Drafts", b"Brouillons"),
        (b"Sent", b"Envoy&AOk-s"),
        (b"Junk", b"Ind&AOk-sirables"),
        (b"Trash", b"Corbeille"),
        (b"Archive", b"Archives"),
    ):
        assert any(b"\\" + flag in line and line.endswith(name) for line in listing.splitlines()), listing
        assert name in subscribed


@pytest.mark.parametrize(("profile", "megabytes"), [("roundcube", 2500), ("convergence", 5000)])
def test_quota_follows_the_profile(site, people, profile, megabytes):
    agent = people.agent(profile=profile)
    with imaps(site, agent.uid, agent.password) as client:
        assert quota_mb(client) == megabytes


def test_a_name_in_capitals_and_the_address_open_the_same_box(site, people):
    agent = people.agent()
    for name in (agent.uid.upper(), agent.mail.upper()):
        with imaps(site, name, agent.password) as client:
            assert client.select("INBOX")[0] == "OK"


def test_a_wrong_password_is_refused_and_never_logged(site, people, mail1):
    agent, wrong = people.agent(), token()
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"), imaps(site, agent.uid, wrong):
        pass
    journal = mail1.run("journalctl -u dovecot.service --since -5min --no-pager -o cat").stdout
    assert agent.uid in journal
    assert wrong not in journal


def test_no_password_in_clear(site, people):
    agent = people.agent()
    with socket.create_connection((site.address("mail1"), 143), timeout=30) as link:
        stream = link.makefile("rwb")
        assert b"LOGINDISABLED" in stream.readline()
        stream.write(f"a login {agent.uid} {agent.password}\r\n".encode())
        stream.flush()
        answers = stream.readline() + stream.readline()
    assert b"a NO [PRIVACYREQUIRED]" in answers


def test_no_master_user(site, people, mail1):
    agent = people.agent()
    for name in (f"{agent.uid}*root", f"root*{agent.uid}"):
        with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"), imaps(site, name, agent.password):
            pass
    running = mail1.run("doveconf -n").stdout
    assert "master = yes" not in running
    assert "auth_master_user_separator" not in running


def test_body_search_finds_a_word(connect_imap, people):
    agent, word = people.agent(), token()
    client = connect_imap(agent)
    message = compose(agent.mail, agent.mail, "recherche", f"Un mot rare: {word}.")
    assert client.append("INBOX", None, None, message)[0] == "OK"
    client.select("INBOX")
    assert client.search(None, "BODY", word)[1][0].split() == [b"1"]


def test_a_search_finds_what_a_delivery_did_not_index(mail, people):
    sender, reader, subject, word = people.agent(), people.agent(), token(), token()
    message = compose(sender.mail, reader.mail, subject, f"Un mot rare: {word}.")
    assert mail.submit(sender, sender.mail, reader.mail, message).accepted
    mail.arrived(reader, subject)
    client = mail.imap(reader)
    client.select("INBOX")
    assert client.search(None, "BODY", word)[1][0].split() == [b"1"]


def test_quota_counts_what_no_client_has_seen(mail, site, people):
    reader, sender = people.agent(), people.agent()
    message = compose(sender.mail, reader.mail, token(), "é" * 300_000)
    for _ in range(2):
        assert mail.submit(sender, sender.mail, reader.mail, message).accepted

    def stored() -> bool:
        rows = site.run("mail1", f"doveadm -f flow quota get -u {reader.uid}").splitlines()
        return any("MESSAGE" in row and "Value=2 " in row for row in rows)

    assert wait_for(stored, what="two messages in the quota")
    with imaps(site, reader.uid, reader.password) as client:
        used = int(client.getquota("storage")[1][0].split()[-2])
    assert used > 2 * len(message) // 1024 * 9 // 10, used


def test_the_api_takes_named_commands_only(site, people, mail1):
    agent = people.agent()
    config = f'header = "Authorization: X-Dovecot-API {encoded(site)}"\nheader = "Content-Type: application/json"\n'

    def call(name, **parameters):
        body = json.dumps([[name, parameters, "t"]])
        words = ("curl", "-s", "-K", "-", "--data-raw", shlex.quote(body), API)
        return json.loads(site.run("mail1", *words, given=config))[0]

    assert call("quotaGet", user=agent.uid)[0] == "doveadmResponse"
    answer = call("fetch", user=agent.uid, field=["uid"], query=["all"])
    assert answer[:2] == ["error", {"type": "unAuthorized", "exitCode": 0}]
    listening = mail1.run("ss -Hlnt sport = :9901").stdout
    assert "127.0.0.1:9901" in listening
    assert "*:9901" not in listening
    assert "0.0.0.0:9901" not in listening


def encoded(site):
    import base64

    return base64.b64encode(site.secret("doveadm-api").encode()).decode()


def test_a_refused_value_leaves_the_service_and_its_next_start(mail1):
    """A file that the role's check refuses never replaces the file in place."""
    folder = mail1.run("mktemp -d").stdout.strip()
    try:
        mail1.run_test(f"cp -a /etc/dovecot/. {folder}")
        mail1.run_test(f"echo 'no_such_setting = 1' >> {folder}/dovecot.conf")
        refused = mail1.run(f"/usr/local/lib/malleposte/dovecot-check {folder}")
        assert refused.rc != 0
        assert "no_such_setting" in refused.stderr
        mail1.run_test(f"sed -i -e s,fullchain.pem,no-such.pem, -e /no_such_setting/d {folder}/dovecot.conf")
        refused = mail1.run(f"/usr/local/lib/malleposte/dovecot-check {folder}")
        assert refused.rc != 0
        assert "no-such.pem" in refused.stderr
        mail1.run_test(f"cp /etc/dovecot/dovecot.conf {folder}")
        mail1.run_test(f"echo 'fileinto;' > {folder}/sieve/before/99-bad.sieve")
        refused = mail1.run(f"/usr/local/lib/malleposte/dovecot-check {folder}")
        assert refused.rc != 0
        assert "99-bad" in refused.stderr
    finally:
        mail1.run(f"rm -rf {folder}")
    assert mail1.service("dovecot").is_running
    assert mail1.run("/usr/local/lib/malleposte/dovecot-check /etc/dovecot").rc == 0


@pytest.mark.full
def test_a_large_folder_is_indexed_by_night(people, mail, site):
    account, writer, word = people.agent(), people.agent(), token()
    session, index = mail.imap(account), f"{home_of(account.uid)}/Maildir/fts-flatcurve"
    for number in range(3):
        message = compose(writer.mail, account.mail, word, body=f"corps {number}")
        assert mail.submit(writer, writer.mail, account.mail, message).accepted
    # A search would make the index that the night is to make.
    wait_for(lambda: int(session.select("INBOX")[1][0]) == 3, what="three deliveries")
    run = "/usr/bin/python3 -I -B /usr/lib/malleposte/malleposte.pyz run dovecot-nightly"
    # The store of one agent's bucket alone: a night of all would find the other tests' boxes.
    bucket = f"/tmp/{account.uid}/{home_of(account.uid).parent.name}"
    site.run("mail1", f"mkdir -p {bucket}; ln -s {home_of(account.uid)} {bucket}/{account.uid}")
    indexed = f"test -d {index} && echo yes || echo no"
    try:
        site.run("mail1", f"{run} /tmp/{account.uid} 30 30 4")
        assert "no" in site.run("mail1", indexed), "three messages are fewer than four"
        site.run("mail1", f"{run} /tmp/{account.uid} 30 30 3")
        assert "yes" in site.run("mail1", indexed)
    finally:
        site.run("mail1", f"rm -rf /tmp/{account.uid}")
    assert len(session.uid("SEARCH", "BODY", "corps")[1][0].split()) == 3


def test_the_night_job_is_timed(site):
    assert site.run("mail1", "systemctl is-active malleposte-dovecot-nightly.timer").strip() == "active"
    site.run("mail1", "systemctl start malleposte-dovecot-nightly.service")
    assert site.run("mail1", "systemctl show -P Result malleposte-dovecot-nightly.service").strip() == "success"


def test_no_delivery_runs_as_root(site):
    owners = site.run("mail1", "ps -C lmtp -o ruser=,euser=,args= | grep dovecot/lmtp").splitlines()
    assert owners and {tuple(line.split()[:2]) for line in owners} == {("vmail", "vmail")}
