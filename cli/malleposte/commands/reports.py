"""`malleposte reports`: what other mail servers report about mail of our domain."""

from __future__ import annotations

import ipaddress

import click
import msgspec

from malleposte.commands.away import MailCommand
from malleposte.commands.options import AS_JSON, answer
from malleposte.core.errors import InputError
from malleposte.reports import ask, text


def _address(_context: click.Context, _option: click.Parameter, word: str | None) -> str:
    """Callback: an address in its usual form."""
    try:
        return str(ipaddress.ip_address(word)) if word else ""
    except ValueError as error:
        raise InputError(f"{word!r} is no address") from error


@click.command(
    "reports",
    cls=MailCommand,
    epilog="Exit codes: 0 done, 1 no reports are read on the host, or its daemon does not answer, 2 bad input.",
)
@click.option("--days", type=click.IntRange(1, 3660), default=30, show_default=True, help="Reports of the last days.")
@click.option("--source", metavar="ADDRESS", callback=_address, help="One source, with the reports about it.")
@AS_JSON
def command(days: int, source: str, as_json: bool) -> None:
    """Print what other mail servers report about mail of the domain (DMARC, TLS).

    Each source of mail under the domain's name stands with its messages, the shares that passed (aligned: by DKIM or
    by SPF), those that were put into quarantine or rejected, and whose it is: ours, a known relay's
    (malleposte_reports.relays) or unknown. Below is what to do. TLS sessions stand by policy and failure. A report says
    what its sender says: nobody proves it. On the controller, the host of mail is asked over ssh.

    \b
    Example:
      sudo ./malleposte reports
      sudo ./malleposte reports --days 7 --json
      sudo ./malleposte reports --source 203.0.113.66
    """
    shown = ask.summary(days, source)
    answer(msgspec.to_builtins(shown), text.lines(shown), as_json=as_json)
