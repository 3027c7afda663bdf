"""Tries that are counted together or apart: one account by any of its names, known clients, networks, addresses.

The daemon is asked as Dovecot asks it, over its loopback port: nothing waits for Dovecot's own delays.
"""

import json
import secrets
import shlex
import time
from collections.abc import Callable
from typing import Any

import pytest
from malleposte.throttle import CLIENTS, Settings, Throttle

from tests.stack.support.site import Account
from tests.stack.support.throttle import delay

FREE, FREE_WIDE, ACCOUNTS = 5, 20, 20
ASK = """
import http.client, json, sys
key = json.load(open("/etc/malleposte/authpolicy.json"))["api_key"]
link = http.client.HTTPConnection("127.0.0.1", 4001, timeout=30)
answers = []
for command, told in json.load(sys.stdin):
    link.request("POST", "/?command=" + command, json.dumps(told), {"X-API-Key": key})
    answers.append(json.loads(link.getresponse().read()))
print(json.dumps(answers))
"""
LOG_IN = """
import base64, imaplib, json, smtplib, socket, ssl, sys
given = json.load(sys.stdin)
context = ssl._create_unverified_context()
def imap(name, password, by_login=False):
    client = imaplib.IMAP4_SSL("127.0.0.1", 993, ssl_context=context, timeout=60)
    words = iter([name, password]) if by_login else iter(["\\0" + name + "\\0" + password])
    try:
        answer = client.authenticate("LOGIN" if by_login else "PLAIN", lambda _: next(words).encode())[0]
    except imaplib.IMAP4.error:
        answer = "NO"
    client.shutdown()
    return answer == "OK"
def submission(name, password, by_login=False):
    with smtplib.SMTP_SSL(given["mail"], 465, timeout=60, context=context) as client:
        client.ehlo()
        encoded = lambda text: base64.b64encode(text.encode()).decode()
        if by_login:
            client.docmd("AUTH", "LOGIN " + encoded(name))
            return client.docmd(encoded(password))[0] == 235
        return client.docmd("AUTH", "PLAIN " + encoded("\\0" + name + "\\0" + password))[0] == 235
def sieve(name, password):
    plain = socket.create_connection(("127.0.0.1", 4190), 60)
    stream = plain.makefile("rwb")
    def ok():
        while not (line := stream.readline()).startswith((b"OK", b"NO", b"BYE")):
            assert line
        return line.startswith(b"OK")
    assert ok()
    stream.write(b"STARTTLS\\r\\n"); stream.flush()
    assert ok()
    plain = context.wrap_socket(plain, server_hostname=given["mail"])
    stream = plain.makefile("rwb")
    assert ok()
    proof = base64.b64encode(("\\0" + name + "\\0" + password).encode()).decode()
    stream.write(('AUTHENTICATE "PLAIN" "%s"\\r\\n' % proof).encode()); stream.flush()
    return ok()
print(json.dumps([globals()[channel](name, given["password"], *more) for channel, name, *more in given["tries"]]))
"""


class Policy:
    """Asks the daemon about one account, by an address of a network that no other test has."""

    def __init__(self, site: Any, uid: str) -> None:
        self.site, self.uid = site, uid
        self.network = f"10.{secrets.randbelow(256)}.{secrets.randbelow(256)}"

    def told(self, login: str = "", known_by: str = "", **more: Any) -> dict[str, Any]:
        """Dovecot's answer to a try; each has a password of its own unless one is given."""
        place = {"remote": f"{self.network}.7", "protocol": "imap", "device_id": "", "form": "-"}
        return place | {"login": login or self.uid, "pwhash": known_by or secrets.token_hex(6)} | more

    def ask(self, *rows: tuple[str, dict[str, Any]]) -> list[bool]:
        """Whether each was let on."""
        text = self.site.run("mail1", "/usr/bin/python3", "-c", shlex.quote(ASK), given=json.dumps(rows))
        return [answer["status"] == 0 for answer in json.loads(text)]

    def allowed(self, *tries: dict[str, Any]) -> list[bool]:
        return self.ask(*(("allow", one) for one in tries))

    def success(self, **more: Any) -> tuple[str, dict[str, Any]]:
        return "report", self.told(success=True, **more)


@pytest.fixture
def policy(site: Any, people: Any) -> Policy:
    return Policy(site, people.agent().uid)


def test_one_account_is_counted_by_whatever_name(site: Any, people: Any) -> None:
    who: Account = people.agent()
    people.change(who, mpLoginAlias=[f"{who.uid}.bis"], mailLocalAddress=[who.mail, f"autre.{who.mail}"])
    policy = Policy(site, who.uid)
    names = (who.uid, who.mail, f"{who.uid}.bis", f"autre.{who.mail}", f"{who.uid}@stores.invalid", who.uid.upper(),
             f"{who.uid}\0", f"{who.uid}\0autre")  # fmt: skip
    let_on = policy.allowed(*(policy.told(name) for name in names), *(policy.told(name) for name in names))
    assert let_on == [True] * FREE + [False] * (2 * len(names) - FREE)
    assert all(policy.allowed(*(policy.told(f"{who.uid}-nul-{number}") for number in range(FREE + 3)))), "others"


def test_no_log_in_by_a_name_that_is_the_platform_s_own(site: Any, people: Any, platform: Any, device: Any) -> None:
    """uid@stores.invalid is what the SMTP server calls a box: for mail, never for a log-in."""
    who: Account = people.agent()
    own = f"{who.uid}@stores.invalid"
    tries = [(channel, name) for channel in ("imap", "submission", "sieve")
             for name in (who.uid, who.mail, own, f"{who.uid}@sent.stores.invalid")]  # fmt: skip
    given = {"mail": platform["hostnames"]["mail"], "password": who.password, "tries": tries}
    text = site.run("mail1", "/usr/bin/python3", "-c", shlex.quote(LOG_IN), given=json.dumps(given))
    assert json.loads(text) == [True, True, False, False] * 3
    telephone = device(who)
    assert telephone.ask("PROPFIND", "/").status == 207
    telephone.login = own
    assert telephone.ask("PROPFIND", "/").status == 401


@pytest.mark.full
def test_no_log_in_by_a_name_that_goes_on_after_a_nul(site: Any, people: Any, platform: Any) -> None:
    """A program in C would read the account's own name, and count another one."""
    who: Account = people.agent()
    ways = [("imap", False), ("imap", True), ("submission", False), ("submission", True), ("sieve",)]
    tries = [(channel, name, *more) for channel, *more in ways
             for name in (who.uid, f"{who.uid}\0", f"{who.uid}\0autre", f"{who.mail}\0")]  # fmt: skip
    given = {"mail": platform["hostnames"]["mail"], "password": who.password, "tries": tries}
    text = site.run("mail1", "/usr/bin/python3", "-c", shlex.quote(LOG_IN), given=json.dumps(given))
    assert json.loads(text) == [True, False, False, False] * len(ways)


def test_a_client_that_succeeded_before_waits_for_itself_alone(policy: Policy) -> None:
    """A school sits behind one address: pupils who guess on the page keep no teacher's telephone out."""
    guesses = lambda count: [policy.told(protocol="dav", device_id="page") for _ in range(count)]  # noqa: E731
    assert policy.ask(policy.success()) == [True]
    assert policy.allowed(*guesses(FREE + 1)) == [True] * FREE + [False]
    delay(policy.site, policy.uid, f"{policy.network}.7")
    assert policy.allowed(policy.told(), policy.told(protocol="smtp"), policy.told(device_id="another")) == [
        True, False, False
    ]  # fmt: skip
    assert policy.ask(policy.success()) == [True]
    assert policy.allowed(*guesses(1)) == [False], "the owner's success gives nobody else new tries"
    mine = policy.allowed(*(policy.told() for _ in range(FREE + 1)))
    assert mine == [True] * FREE + [False], "its own wrong ones wait"


def test_of_too_many_clients_the_one_of_longest_ago_is_forgotten(policy: Policy) -> None:
    """A browser that keeps no cookie is another client each time: it must not push out what is in use."""
    policy.ask(policy.success(), *(policy.success(device_id=f"page-{number}") for number in range(CLIENTS - 1)))
    time.sleep(1.1)
    policy.ask(policy.success(), policy.success(device_id="another"))
    policy.allowed(*(policy.told(protocol="dav") for _ in range(FREE)))
    delay(policy.site, policy.uid, f"{policy.network}.7")
    devices = ("", "another", "page-0", "page-1")
    assert policy.allowed(*(policy.told(device_id=one) for one in devices)) == [True, True, False, True]


def test_ipv6_counts_in_the_wider_network_as_well(policy: Policy) -> None:
    wide = f"2001:db8:{secrets.randbelow(2**16):x}"
    tries = [policy.told(remote=f"{wide}:{number:x}::1") for number in range(FREE_WIDE + 2)]
    assert policy.allowed(*tries) == [True] * FREE_WIDE + [False] * 2
    assert policy.allowed(policy.told(remote=f"2001:db9:{secrets.randbelow(2**16):x}:1::1")) == [True]


def failures(policy: Policy, names: list[str], **more: Any) -> list[tuple[str, dict[str, Any]]]:
    return [("report", policy.told(name, success=False, fail_type="credentials", **more)) for name in names]


def test_an_address_that_fails_on_many_accounts_is_told_and_a_school_is_not(
    site: Any, policy: Policy, wait_for: Callable[..., Any]
) -> None:
    """Accounts are counted, not failures; and none of whom somebody succeeded in that network before, or does after."""
    mark = secrets.token_hex(4)
    colleagues, strangers, new = (
        [f"{word}-{mark}-{n}" for n in range(count)]
        for word, count in (("prof", ACCOUNTS), ("nul", ACCOUNTS), ("neuf", ACCOUNTS - 1))
    )
    policy.ask(*(policy.success(login=name) for name in colleagues))
    policy.ask(*failures(policy, new), *(policy.success(login=name) for name in new))
    policy.ask(*failures(policy, colleagues), *failures(policy, strangers[:-1] * 3))

    def told() -> str:
        look = f"journalctl -u authpolicy --since=-10min -o cat --no-pager --grep 'rip={policy.network}'"
        return str(site.run("mail1", look, check=False))

    end = f"10.{secrets.randbelow(256)}.{secrets.randbelow(256)}.9"
    policy.ask(*failures(policy, [f"fin-{mark}-{n}" for n in range(ACCOUNTS)], remote=end))
    wait_for(lambda: site.run("mail1", f"journalctl -u authpolicy --grep 'rip={end}' -o cat", check=False))
    assert told() == "", "the journal is past what was asked before"
    policy.ask(*failures(policy, strangers[-1:]))
    wait_for(told)
    assert told().split("\n")[0] == f"guesses on {ACCOUNTS} accounts within 600 s: rip={policy.network}.7"


def test_every_key_ends_and_one_is_found_by_its_account(site: Any, policy: Policy) -> None:
    policy.ask(policy.success(), ("allow", policy.told(protocol="dav")))
    (index,) = (
        Throttle(Settings("unix:///nowhere", site.secret("auth-policy-nonce")))
        ._place(policy.uid, f"{policy.network}.7", "")
        .keys[:1]
    )
    ask = "valkey-cli -s /run/valkey-throttle/valkey.sock --user throttle --no-auth-warning"
    script = """
    local found = {}
    for _, line in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do found[#found + 1] = line end
    return found
    """.replace("\n", " ")
    text = site.run("mail1", f"REDISCLI_AUTH=$(cat) {ask} eval {shlex.quote(script)} 1 {index}",
                    given=site.secret("valkey-throttle"))  # fmt: skip
    assert [line for line in text.split() if line.startswith(f"{index}:")]
    refused = site.run("mail1", f"REDISCLI_AUTH=$(cat) {ask} scan 0", given=site.secret("valkey-throttle"), check=False)
    assert "NOPERM" in refused, "nothing needs to search"
