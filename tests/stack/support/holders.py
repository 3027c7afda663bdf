"""A host outside that opens connections and holds them, in silence or logged in, from an address of its own."""

import contextlib
import json
import shlex
import subprocess
from collections.abc import Iterator, Sequence

from tests.stack.support.site import Account, Site

COMMON = """
import json, resource, selectors, smtplib, socket, ssl, sys
from concurrent.futures import ThreadPoolExecutor
given = json.loads(sys.stdin.readline())
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
held, taken = [], {}
"""
SILENT = """
for port in given["ports"]:
    waiting = selectors.DefaultSelector()
    for _turn in range(given["count"]):
        link = socket.socket()
        link.bind((given["source"], 0))
        link.setblocking(False)
        link.connect_ex((given["target"], port))
        waiting.register(link, selectors.EVENT_WRITE)
        held.append(link)
    taken[port] = 0
    while waiting.get_map():
        ready = waiting.select(60)
        assert ready, "neither taken nor refused in a minute"
        for key, _events in ready:
            waiting.unregister(key.fileobj)
            taken[port] += key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
"""
LOGGED_IN = """
def enter(port):
    try:
        context = ssl._create_unverified_context()
        here = (given["source"], 0)
        session = smtplib.SMTP_SSL(given["target"], port, timeout=120, context=context, source_address=here)
        session.ehlo("probe.lointain.test")
        session.login(given["uid"], given["password"])
    except (OSError, smtplib.SMTPException):
        return None
    return session
with ThreadPoolExecutor(10) as pool:
    for port in given["ports"]:
        held += [session for session in pool.map(enter, [port] * given["count"]) if session]
        # Those that are still there: all at the same time.
        taken[port] = sum(session.noop()[0] == 250 for session in held)
"""
END = """
print(json.dumps(taken), flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def holding(
    site: Site, source: str, ports: Sequence[int], count: int, account: Account | None = None
) -> Iterator[dict[int, int]]:
    """Hold `count` connections to each port of mail1 from an address of the host outside, and say how many it has.

    They say nothing, or with an account they have logged in to submission over TLS.
    """
    given = {"source": source, "target": site.address("mail1"), "ports": list(ports), "count": count}
    if account:
        given |= {"uid": account.uid, "password": account.password}
    script = COMMON + (LOGGED_IN if account else SILENT) + END
    words = f"timeout 600 python3 -c {shlex.quote(script)}"
    pipe = subprocess.PIPE
    with subprocess.Popen([*site.ssh("world"), words], stdin=pipe, stdout=pipe, text=True) as running:
        assert running.stdin and running.stdout
        running.stdin.write(json.dumps(given) + "\n")
        running.stdin.flush()
        answer = running.stdout.readline()
        assert answer, "the host outside holds nothing"
        try:
            yield {int(port): number for port, number in json.loads(answer).items()}
        finally:
            running.stdin.close()
