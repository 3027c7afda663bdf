"""Options, the account argument and the confirmation that the account commands share."""

from __future__ import annotations

import click

from malleposte.core.errors import MallepostError

WHO = click.argument("who", metavar="ACCOUNT")
"""A uid, a log-in alias or an address."""
REASON = click.option("--reason", default="", metavar="TEXT", help="The reason, for the journal.")
OVERRIDE = click.option(
    "--override", default="", metavar="REASON", help="Act before the time, with this reason: for the DSI."
)
YES = click.option("--yes", is_flag=True, help="Do not ask.")


def confirm(question: str, *, yes: bool) -> None:
    """Ask, unless told not to. Raises MallepostError on no, and where nobody answers; Ctrl-C ends as anywhere else."""
    try:
        agreed = yes or click.confirm(question, err=True)
    except click.Abort as abort:
        # click has one word for Ctrl-C and for the end of the input.
        if isinstance(abort.__context__, KeyboardInterrupt):
            raise
        agreed = False
    if not agreed:
        raise MallepostError("nothing was changed", "--yes confirms beforehand")
