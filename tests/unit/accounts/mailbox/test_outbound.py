# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports on an account that writes to too many recipients, their text, and a mail server that is away."""

import email.message
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from malleposte.accounts.mailbox import outbound
from malleposte.accounts.mailbox.outbound import Excess, letters, tell
from malleposte.core.errors import InputError, MallepostError

from tests.support.programs import executable

FACTS = {
    "domain": "ac-exemple.test",
    "academy": "académie d’Exemple",
    "support": {"phone": "03 00 00 00 00", "mail": "assistance@ac-exemple.test", "hours": "de 8 h à 17 h"},
}
RAW = {"account": "mdupond", "user": "mdupond", "class": "roundcube", "level": "hold", "sum": 1600, "limit": 1500,
       "seconds": 3600}  # fmt: skip


def excess(**changes: object) -> Excess:
    return Excess.parse(json.dumps(RAW | changes))


def test_who_is_held_is_told_with_whom_to_call_and_operators_with_what_to_type() -> None:
    sent = dict(letters(excess(), FACTS, "stores.invalid"))
    assert list(sent) == ["postmaster@ac-exemple.test", "mdupond@stores.invalid"]
    operators, owner = (message.get_content() for message in sent.values())
    assert "malleposte queue release mdupond" in operators
    assert "1600 destinataires" in operators
    assert "1500 par heure" in owner
    assert "03 00 00 00 00" in owner
    assert "{" not in operators + owner


def test_a_warning_goes_to_operators_alone_and_a_box_tells_its_writer_too() -> None:
    assert [to for to, _ in letters(excess(level="warn"), FACTS, "stores.invalid")] == ["postmaster@ac-exemple.test"]
    box = letters(excess(account="ce.0210001a"), FACTS, "stores.invalid")
    assert [to for to, _ in box][1:] == ["ce.0210001a@stores.invalid", "mdupond@stores.invalid"]


@pytest.mark.parametrize(
    "line", ["", "{}", "[]", json.dumps(RAW | {"account": "a b"}), json.dumps(RAW | {"user": "--x"})]
)
def test_what_is_no_excess_is_refused(line: str) -> None:
    with pytest.raises(InputError):
        Excess.parse(line)


def failing(times: int, sent: list[str]) -> Callable[[str, email.message.EmailMessage], None]:
    left = [times]

    def deliver(recipient: str, _message: email.message.EmailMessage) -> None:
        if left[0]:
            left[0] -= 1
            raise ConnectionRefusedError("nobody there")
        sent.append(recipient)

    return deliver


def test_a_mail_server_that_is_away_is_waited_for_and_given_up_in_the_end() -> None:
    sent: list[str] = []
    pauses: list[float] = []
    tell(excess(), FACTS, "stores.invalid", failing(3, sent), pause=pauses.append)
    assert len(sent) == 2
    assert len(pauses) == 2, "a round for all of them"
    with pytest.raises(MallepostError, match="was not told of mdupond"):
        tell(excess(), FACTS, "stores.invalid", failing(10**6, sent), pause=pauses.append)


def test_one_who_cannot_be_told_keeps_nobody_from_being_told() -> None:
    tried: list[str] = []

    def deliver(recipient: str, _message: email.message.EmailMessage) -> None:
        tried.append(recipient)
        if recipient == tried[0]:
            raise ConnectionRefusedError("nobody there")

    with pytest.raises(MallepostError, match="was not told of mdupond") as told:
        tell(excess(), FACTS, "stores.invalid", deliver, pause=lambda _seconds: None)
    first, second = dict.fromkeys(tried)
    assert tried.count(second) == 1 and first in str(told.value) and second not in str(told.value)


@pytest.mark.parametrize(("code", "words"), [(0, "Le compte a été bloqué."), (1, "n’a PAS pu être bloqué")])
def test_a_block_is_reported_as_it_ended(tmp_path: Path, code: int, words: str) -> None:
    script = f'echo "$*" >{tmp_path}/typed\necho refused >&2\nexit {code}'
    program = executable(tmp_path / "malleposte", script)
    assert words in outbound.block("mdupond", [str(program)])[0]
    assert (tmp_path / "typed").read_text().startswith("accounts block mdupond --reason ")
