"""`malleposte notice`: from the controller it runs itself on the portal's hosts; there, on the file that pages read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NoReturn

import click

from malleposte.commands.away import PortalCommand
from malleposte.commands.options import AS_JSON, answer
from malleposte.core.errors import InputError, MallepostError
from malleposte.front import notices
from malleposte.platform.times import local


class AddCommand(PortalCommand):
    """The hosts are sent fixed times, so that the message has the same name on each of them."""

    def away(self, ctx: click.Context, inventory: Path, words: list[str]) -> int:
        """See HostCommand."""
        options = ctx.params
        notice = _new_notice(
            _now(), *(options[name] for name in ("kind", "text", "english", "start", "until", "lasting"))
        )
        times = [notice.start.isoformat(timespec="seconds"), notice.end.isoformat(timespec="seconds")]
        fixed = ["notice", "add", *(["--json"] if options["as_json"] else []), "--from", times[0], "--until", times[1]]
        english = ["--en", options["english"]] if options["english"] else []
        return super().away(ctx, inventory, [*fixed, *english, notice.kind, "--", options["text"]])


class EndCommand(PortalCommand):
    """A host on which it has ended already keeps no other from its part."""

    some_hold = True


@click.group("notice")
def command() -> None:
    """Post, list or end messages of maintenance and incident on the portal.

    Every page of the portal, of the log-in page and of both webmails shows them. On the controller these commands run
    over ssh on the hosts of the portal.

    \b
    Example:
      sudo ./malleposte notice add incident "Messagerie indisponible." --for 2h
      sudo ./malleposte notice list
      sudo ./malleposte notice end 3f9a01c2
    """


@command.command("add", cls=AddCommand)
@click.argument("kind", type=click.Choice(notices.KINDS))
@click.argument("text")
@click.option("--en", "english", default="", help="The text in English; without it the French one is shown.")
@click.option("--from", "start", default="", help="Its start, such as '2026-11-28 18:00'. [default: now]")
@click.option("--until", "until", default="", help="Its end, such as '2026-11-28 20:00'.")
@click.option("--for", "lasting", default="", help="Its length, in place of --until: 90min, 2h, 3d.")
@AS_JSON
def add_command(kind: str, text: str, english: str, start: str, until: str, lasting: str, as_json: bool) -> None:
    """Post a message, at once or for later. It needs an end.

    The same words posted again for an overlapping time replace the earlier message.

    \b
    Example:
      sudo ./malleposte notice add incident "Messagerie indisponible." --en "Mail is unavailable." --for 2h
      sudo ./malleposte notice add maintenance "Mise à jour." --from "2026-11-28 18:00" --until "2026-11-28 20:00"
    """
    now = _now()
    notice = _new_notice(now, kind, text, english, start, until, lasting)
    try:
        notices.write(notices.posted(notices.read(), notice), now)
    except notices.NoticeError as error:
        _refused(error)
    _tell([notice], as_json=as_json)


@command.command("list", cls=PortalCommand)
@click.option("--all", "everything", is_flag=True, help="Those that have ended, too.")
@AS_JSON
def list_command(everything: bool, as_json: bool) -> None:
    """List the messages that are shown or to come.

    \b
    Example:
      sudo ./malleposte notice list
      sudo ./malleposte notice list --all --json
    """
    try:
        current = notices.read()
    except notices.NoticeError as error:
        raise MallepostError(str(error), "mend or remove that file") from error
    _tell(current if everything else notices.shown(current, _now()), as_json=as_json)


@command.command("end", cls=EndCommand)
@click.argument("ident", metavar="NOTICE")
@AS_JSON
def end_command(ident: str, as_json: bool) -> None:
    """End a message now; one that is still to come is removed.

    \b
    Example:
      sudo ./malleposte notice end 3f9a01c2
    """
    try:
        current = notices.read()
        notices.write(notices.ended(current, ident, _now()), _now())
    except notices.NoticeError as error:
        _refused(error)
    _tell([one for one in current if one.ident == ident], as_json=as_json)


def _now() -> datetime:
    return datetime.now().astimezone().replace(microsecond=0)


def _refused(error: notices.NoticeError) -> NoReturn:
    raise InputError(str(error), "`notice --help` has examples") from error


def _new_notice(
    now: datetime, kind: str, text: str, english: str, start: str, until: str, lasting: str
) -> notices.Notice:
    """The message that was typed. Raises InputError."""
    try:
        begins = notices.moment(start) if start else now
        if bool(until) is bool(lasting):
            raise notices.NoticeError("a notice needs an end: give --until or --for")
        ends = notices.moment(until) if until else begins + notices.length(lasting)
        if ends <= now:
            raise notices.NoticeError(f"the end ({local(ends)}) is past")
        return notices.Notice(kind, begins, ends, {"fr": text, **({"en": english} if english else {})})
    except notices.NoticeError as error:
        _refused(error)


def _tell(listed: Sequence[notices.Notice], *, as_json: bool) -> None:
    lines = (f"{one.ident}  {one.kind:<11}  {local(one.start)} to {local(one.end)}  {one.text('fr')}" for one in listed)
    answer([{"id": one.ident, **one.as_dict()} for one in listed], lines, as_json=as_json)
    if not as_json:
        click.echo(f"{len(listed)} notice(s)", err=True)
