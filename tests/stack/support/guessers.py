"""A host outside that guesses passwords on the web, from an address of its own: a ban of it bans nothing else."""

import contextlib
import shlex
from collections.abc import Iterator
from typing import Any

from testinfra.host import Host

from tests.stack.support.accounts_cli import Cli, document
from tests.stack.support.site import Site

IMAP_GUESS = """
import socket, ssl, sys
name, address, count, user, source = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], (*sys.argv[5:], "")[0]
context = ssl._create_unverified_context()
opened = []
for turn in range(count):
    session = context.wrap_socket(socket.create_connection((address, 993), 30, (source, 0)), server_hostname=name)
    session.recv(1000)
    opened.append(session)
for turn, session in enumerate(opened):
    session.sendall(f'a LOGIN "{user.format(turn)}" "faux-{turn}"\\r\\n'.encode())
"""
REACH = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 4, (sys.argv[3], 0))"
ACCOUNTS = 20
"""Accounts that one address may guess at before it is banned."""

WEB_GUESS = """
import base64, concurrent.futures, http.client, re, secrets, ssl, sys, urllib.parse
channel, name, source, count, user = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5]


def ask(method, path, body=None, **headers):
    context = ssl._create_unverified_context()
    there = http.client.HTTPSConnection(name, timeout=20, context=context, source_address=(source, 0))
    there.request(method, path, body, {key.replace("_", "-"): value for key, value in headers.items()})
    answer = there.getresponse()
    return answer, answer.read().decode("utf-8", "replace")


def dav(user, password, path="/"):
    proof = base64.b64encode(f"{user}:{password}".encode()).decode()
    ask("PROPFIND", path, Authorization=f"Basic {proof}", Depth="0")


def sogo(user, password):
    dav(user, password, "/SOGo/dav/")


def sso(user, password):
    _, page = ask("GET", "/")
    token = re.search('name="token" value="([^"]+)"', page)[1]
    form = urllib.parse.urlencode({"token": token, "url": "", "timezone": "1", "user": user, "password": password})
    ask("POST", "/", form, Content_Type="application/x-www-form-urlencoded")


# Each refusal takes two seconds; a password refused before does not count again.
with concurrent.futures.ThreadPoolExecutor(10) as pool:
    for turn in range(count):
        pool.submit(globals()[channel], f"{user}-{turn}", secrets.token_hex())
"""
CHANNELS = {"sogo": "groupware", "dav": "dav", "sso": "sso"}
"""The web's log-ins, which Dovecot or accountd proves, and the name of each host."""


def bans(site: Site, *words: str) -> Any:
    """`malleposte bans` as typed on the controller; the answers by host."""
    return document(Cli(site).typed(*words, "--json", group="bans"))["hosts"]


def banned(mail1: Host) -> set[str]:
    """The addresses that mail1 shuts out."""
    return set(mail1.check_output("fail2ban-client get guesses banip").split())


def answers(site: Site, world: Host, address: str, port: int) -> bool:
    """Whether a port of mail1 answers an address of the host outside."""
    words = f"python3 -c {shlex.quote(REACH)} {site.address('mail1')} {port} {address}"
    return bool(world.run(words).rc == 0)


@contextlib.contextmanager
def second_address(site: Site, address: str) -> Iterator[None]:
    """The host outside has this address too, inside the block."""
    device = "$(ip -o route get {} | sed 's/.* dev \\([^ ]*\\) .*/\\1/')".format(site.address("mail1"))
    there = f"{address}/{site.lab.settings.network.prefixlen} dev {device}"
    site.run("world", f"ip address replace {there}")
    try:
        yield
    finally:
        site.run("world", f"ip address del {there}", check=False)
