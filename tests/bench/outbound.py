"""Mail of agents to other domains: submitted with TLS and a log-in, filtered, signed; beside Postfix with OpenDKIM."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.bench import stock
from tests.bench.clients import BODY_BYTES, PATIENCE, Target
from tests.bench.figures import Figure
from tests.bench.measures import EACH, MAIL_ROUNDS, MAILBOXES, agents, mailing, platform_target
from tests.stack.support.mail import FOREIGN, compose, token
from tests.stack.support.site import Site

READER = f"probe@{FOREIGN}"
INBOX = f"/srv/world-mail/{FOREIGN}/probe/Maildir"
LINE = "Le conseil de classe a lieu mardi à dix-sept heures.\n"
OPENDKIM = f"""set -e
opendkim-genkey -D /etc/dkimkeys -d {stock.NAME}.test -s banc
chown opendkim: /etc/dkimkeys/banc.private
cat > /etc/opendkim.conf <<END
Domain {stock.NAME}.test
Selector banc
KeyFile /etc/dkimkeys/banc.private
Socket inet:8891@localhost
UserID opendkim
PidFile /run/opendkim/opendkim.pid
Mode s
END
cat > /etc/dovecot/conf.d/99-banc.conf <<END
service auth {{
  unix_listener /var/spool/postfix/private/auth {{
    mode = 0660
    user = postfix
    group = postfix
  }}
}}
END
postconf -e smtpd_milters=inet:127.0.0.1:8891 smtpd_sasl_type=dovecot smtpd_sasl_path=private/auth
postconf -M "submissions/inet=submissions inet n - y - - smtpd"
postconf -P submissions/inet/smtpd_tls_wrappermode=yes submissions/inet/smtpd_sasl_auth_enable=yes \\
  submissions/inet/smtpd_relay_restrictions=permit_sasl_authenticated,reject
systemctl restart opendkim dovecot postfix
"""
"""Settings beside Debian's defaults, by which a host takes its users' mail and signs it."""


class Submission(smtplib.SMTP_SSL):
    """Submission over implicit TLS (RFC 8314) to an address, under a name."""

    def __init__(self, target: Target, context: ssl.SSLContext) -> None:
        self._name = target.name
        super().__init__(target.address, 465, local_hostname="banc.test", timeout=PATIENCE, context=context)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain = socket.create_connection((host, port), timeout)
        return self.context.wrap_socket(plain, server_hostname=self._name or host)


def submit(target: Target, addresses: Sequence[str], word: str, each: int) -> None:
    """Have every user send so many messages of about 5 kB in one session, all users at once.

    Raises smtplib.SMTPException where one is refused.
    """
    context, body = target.context(), LINE * (BODY_BYTES // len(LINE.encode()))

    def send(number: int) -> None:
        with Submission(target, context) as session:
            session.login(*target.users[number])
            for _ in range(each):
                session.sendmail(addresses[number], READER, compose(addresses[number], READER, f"Conseil {word}", body))

    with ThreadPoolExecutor(len(target.users)) as pool:
        list(pool.map(send, range(len(target.users))))


@contextlib.contextmanager
def unverified(site: Site) -> Iterator[None]:
    """Have the foreign server take mail for a block without a look at signatures, which OpenDKIM does one by one.

    Under this load it would put mail off (451), and what waits then is the foreign server.
    """
    before = site.run("world", "postconf -h smtpd_milters").strip()
    site.run("world", "postconf -e smtpd_milters= && postfix reload")
    try:
        yield
    finally:
        site.run("world", f"postconf -e 'smtpd_milters={before}' && postfix reload")


def signed(site: Site, word: str, domain: str) -> int:
    """Return the number of messages with that word at the foreign server that bear a signature of the domain."""
    files = f"grep -rlF 'Conseil {word}' {INBOX}"
    return int(site.run("world", f"{files} | xargs -r grep -l 'd={domain};' | wc -l", timeout=PATIENCE))


def outbound(site: Site) -> Figure:
    """From an agent's log-in to the foreign server, every filter on, signed; then the same by Postfix with OpenDKIM."""
    with TemporaryDirectory() as folder, unverified(site), agents(site) as writers:
        target = platform_target(site, writers, Path(folder))
        ours = measured(
            site, target, [one.mail for one in writers], str(site.platform["domain"]),
            lambda command: site.run("mail1", command),
        )  # fmt: skip
    with unverified(site), stock.host(site, MAILBOXES, "opendkim opendkim-tools") as (lab, target, addresses):

        def on_stock(command: str) -> str:
            return lab.ssh(stock.NAME, ["sh", "-c", command], timeout=PATIENCE).out

        on_stock(OPENDKIM)
        plain = measured(site, target, addresses, f"{stock.NAME}.test", on_stock)
    return Figure(
        "smtp-out",
        {
            **ours,
            **{f"opendkim_{name}": value for name, value in plain.items()},
            "ratio": round(ours["to_mailbox_per_second"] / plain["to_mailbox_per_second"], 2),
            "cpu_ratio": round(ours["cpu_ms_a_message"] / plain["cpu_ms_a_message"], 2),
        },
        f"{MAILBOXES} agents, a session each, 5 kB, median of {MAIL_ROUNDS} rounds of {MAILBOXES * EACH}",
    )


def measured(
    site: Site, target: Target, addresses: Sequence[str], domain: str, run: Callable[[str], str]
) -> dict[str, Any]:
    """Measure the rounds on one host. Raises AssertionError where a message did not arrive, or is not signed."""
    word = token()
    values = mailing(
        run,
        lambda each: submit(target, addresses, word, each),
        lambda: len(run("postqueue -j").splitlines()),
    )
    found, sent = signed(site, word, domain), MAILBOXES * (EACH * MAIL_ROUNDS + 1)
    if found != sent:
        raise AssertionError(f"{found} signed messages of {domain} arrived, {sent} were sent")
    return values | {"signed": found}
