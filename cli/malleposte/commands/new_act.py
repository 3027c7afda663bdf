"""`malleposte new-act`."""

import click

from malleposte.commands.options import answer
from malleposte.dev import skeleton_act


@click.command("new-act")
@click.argument("name")
@click.option("--title", required=True, help="Its title for agents, in French.")
@click.option("--english", required=True, help="The same in English.")
@click.option("--address", required=True, metavar="PATH", help="Address of its page: /compte/….")
@click.option("--english-address", required=True, metavar="PATH", help="The same in English: /en/account/….")
@click.option("--store", is_flag=True, help="It does something on the host of the mailbox.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    name: str, title: str, english: str, address: str, english_address: str, *, store: bool, as_json: bool
) -> None:
    """Begin an act of an agent: its call of accountd, its page, its tests.

    NAME is that of the act in the code. What is written passes the tests; docs/develop.md says what remains to do.

    \b
    Example:
      ./malleposte new-act quiet_day --title "Choisir un jour calme" --english "Choose a quiet day" \\
          --address /compte/jour-calme --english-address /en/account/quiet-day --store
    """
    act = skeleton_act.Act(name, title, english, address, english_address, store)
    written = [str(path) for path in skeleton_act.write(act)]
    following = "next: .venv/bin/python -m malleposte.dev.reference, ./malleposte test lint unit architecture"
    answer({"written": written}, [*written, following], as_json=as_json, indent=2)
