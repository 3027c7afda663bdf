"""Guessing is stopped by a real ban, from a host outside; the ban can be seen and lifted; it is no weapon."""

import json

import pytest

GUESS = """
import socket, ssl, sys
name, address, count, user = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
context = ssl._create_unverified_context()
opened = []
for turn in range(count):
    session = context.wrap_socket(socket.create_connection((address, 993), 30), server_hostname=name)
    session.recv(1000)
    opened.append(session)
for turn, session in enumerate(opened):
    session.sendall(f'a LOGIN "{user}" "faux-{turn}"\\r\\n'.encode())
"""
WEB_GUESS = """
import base64, concurrent.futures, http.client, json, re, secrets, ssl, sys, urllib.parse
door, name, count, user = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]


def ask(method, path, body=None, **headers):
    there = http.client.HTTPSConnection(name, timeout=20, context=ssl._create_unverified_context())
    there.request(method, path, body, {key.replace("_", "-"): value for key, value in headers.items()})
    answer = there.getresponse()
    return answer, answer.read().decode("utf-8", "replace")


def sogo(user, password):
    ask("POST", "/SOGo/connect", json.dumps({"userName": user, "password": password}), Content_Type="application/json")


def roundcube(user, password):
    answer, page = ask("GET", "/?_task=login")
    token = re.search(r'name="_token" value="([^"]+)"', page)[1]
    fields = {"_task": "login", "_action": "login", "_token": token, "_user": user, "_pass": password}
    cookie = answer.headers.get("Set-Cookie", "").partition(";")[0]
    form = urllib.parse.urlencode(fields)
    ask("POST", "/?_task=login", form, Content_Type="application/x-www-form-urlencoded", Cookie=cookie)


def dav(user, password):
    proof = base64.b64encode(f"{user}:{password}".encode()).decode()
    ask("PROPFIND", "/", Authorization=f"Basic {proof}", Depth="0")


# Each refusal takes two seconds; a password refused before does not count again. After the ban nobody answers.
with concurrent.futures.ThreadPoolExecutor(10) as pool:
    for turn in range(count):
        pool.submit(globals()[door], f"{user}-{turn}", secrets.token_hex())
"""
REACH = "timeout 4 bash -c 'exec 3<>/dev/tcp/{address}/{port}'"
TABLE = "malleposte-fail2ban"
FAILURES = 20


@pytest.fixture
def outside(site, world, mail1):
    """The address of the host that guesses; no ban stays behind."""
    address = site.address("world")
    yield address
    mail1.run(f"fail2ban-client unban {address}")


def banned(mail1, jail: str = "dovecot") -> set[str]:
    answer = mail1.check_output(f"fail2ban-client get {jail} banip")
    return set(answer.split())


def test_a_guesser_is_shut_out_and_let_in_again(site, world, mail1, outside, wait_for):
    target = site.address("mail1")
    assert world.run(REACH.format(address=target, port=993)).rc == 0
    name = site.platform["hostnames"]["mail"]
    site.run("world", f"timeout 60 python3 - {name} {target} {FAILURES + 5} probe1", given=GUESS, check=False)
    wait_for(lambda: outside in banned(mail1), timeout=120)
    wait_for(lambda: world.run(REACH.format(address=target, port=993)).rc != 0)
    table = json.loads(mail1.check_output(f"nft -j list table inet {TABLE}"))
    assert outside in json.dumps(table)
    assert mail1.check_output("systemctl is-active dovecot.service") == "active"
    mail1.check_output(f"fail2ban-client unban {outside}")
    wait_for(lambda: world.run(REACH.format(address=target, port=993)).rc == 0)


@pytest.mark.parametrize(
    ("door", "name", "jail"),
    [("sogo", "groupware", "dav"), ("roundcube", "webmail", "roundcube"), ("dav", "dav", "dav")],
)
def test_a_guesser_on_the_web_is_shut_out_and_let_in_again(site, world, mail1, outside, wait_for, door, name, jail):
    target, name = site.address("mail1"), site.platform["hostnames"][name]
    words = f"timeout 300 python3 - {door} {name} {FAILURES + 10} nul-ne-porte-ce-nom"
    site.run("world", words, given=WEB_GUESS, check=False, timeout=310)
    wait_for(lambda: outside in banned(mail1, jail), timeout=120)
    wait_for(lambda: world.run(REACH.format(address=target, port=443)).rc != 0)
    mail1.check_output(f"fail2ban-client unban {outside}")
    wait_for(lambda: world.run(REACH.format(address=target, port=443)).rc == 0)


@pytest.mark.parametrize(
    ("line", "address"),
    [
        (
            "imap-login: Login aborted: Connection closed (auth failed, 1 attempts in 2 secs) (auth_failed): "
            "user=<a>, method=PLAIN, rip=192.0.2.1, lip=10.0.0.1, TLS, session=<F6jq7gdhjLkKYwc9>",
            "192.0.2.1",
        ),
        (
            "managesieve-login: Login aborted: Logged out (auth failed, 3 attempts in 9 secs) (auth_failed): "
            "user=<a>, method=PLAIN, rip=2001:db8::1, lip=2001:db8::2, session=<F6jq7gdhjLkKYwc9>",
            "2001:db8::1",
        ),
        (
            "imap-login: Login aborted: Logged out (auth failed, 1 attempts in 2 secs) (auth_failed): user=<x>, "
            "method=PLAIN, rip=198.51.100.9, lip=1, session=<a>, method=PLAIN, rip=192.0.2.1, lip=10.0.0.1, "
            "session=<F6jq7gdhjLkKYwc9>",
            "192.0.2.1",
        ),
        ("imap-login: Logged in: user=<a>, method=PLAIN, rip=192.0.2.1, lip=10.0.0.1, session=<x>", None),
        ("lmtp(a)<1><x>: msgid=<(auth_failed): user=<x>, rip=192.0.2.1, lip=1, session=<a>: saved mail to INBOX", None),
    ],
)
def test_dovecots_lines_name_who_failed_and_nobody_else(mail1, line, address):
    seen = mail1.run("fail2ban-regex -o ip %s malleposte-dovecot", line)
    found = [word for word in seen.stdout.split() if word]
    assert found == ([address] if address else [])


def test_the_administrators_are_never_banned(site, mail1):
    ignored = mail1.check_output("fail2ban-client get dovecot ignoreip") + mail1.check_output(
        "fail2ban-client get sshd ignoreip"
    )
    for network in ("127.0.0.0/8", str(site.lab.settings.gateway)):
        assert ignored.split().count(network) == 2, (network, ignored)


def test_postfix_jail_reads_warnings_only(mail1):
    assert "PRIORITY=4" in mail1.check_output("fail2ban-client get postfix-sasl journalmatch")
