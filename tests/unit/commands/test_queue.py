"""`malleposte queue`: held mail that is there, and none."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from malleposte.accounts.mailbox.queue import Waiting
from malleposte.cli import main
from malleposte.commands import queue
from malleposte.core import paths
from malleposte.core.errors import ExitCode
from malleposte.platform.times import local

ONE = Waiting("4bXyz12345", "hold", "anne@ac-exemple.test", ("a@autre.test",), 1_772_000_000, 1234, "anne")


class Held:
    """A queue that holds one message."""

    def held(self) -> list[Waiting]:
        return [ONE]

    def release(self, messages: Iterable[Waiting]) -> list[str]:
        return [one.ident for one in messages]

    delete = release


@pytest.fixture(autouse=True)
def host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "HOSTED", True)
    monkeypatch.setattr(queue, "Queue", Held)


@pytest.mark.parametrize(("words", "done"), [(("release",), "let go"), (("drop", "--yes"), "deleted")])
def test_somebody_without_held_mail_is_told_in_a_sentence(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], done: str
) -> None:
    assert main(["queue", *words, "anne"]) == ExitCode.DONE
    assert capsys.readouterr() == (f"1 messages {done}\n", "")
    assert main(["queue", *words, "personne"]) == ExitCode.FAILURE
    sentence = "malleposte: personne: no mail is held here under this name; `queue held` shows whose is\n"
    assert capsys.readouterr() == ("", sentence)
    assert main(["queue", *words, "personne", "--json"]) == ExitCode.FAILURE
    assert capsys.readouterr().out.strip() == '{"messages": []}'


def test_the_time_of_a_held_message_names_its_zone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["queue", "held"]) == ExitCode.DONE
    assert f"4bXyz12345       {local('2026-02-25T06:13:20Z')} anne" in capsys.readouterr().out
