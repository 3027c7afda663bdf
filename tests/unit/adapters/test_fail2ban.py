"""The answers of fail2ban's client, and the end of bans."""

from collections.abc import Sequence

import pytest
from malleposte.adapters import fail2ban
from malleposte.adapters.fail2ban import Ban
from malleposte.core.errors import InputError, MallepostError

SAID = {
    "banned": "[{'sshd': []}, {'guesses': ['192.0.2.7', '2001:db8::7']}]\n",
    "get sshd banip --with-time": "",
    "get guesses banip --with-time": (
        "192.0.2.7 \t2026-11-26 14:35:40 + 600 = 2026-11-26 14:45:40\n"
        "2001:db8::7 \t2026-11-26 14:36:40 + -1 = 9999-12-31 23:59:59\n"
    ),
}


class Client:
    """Answers as fail2ban-client does, and keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def __call__(self, words: Sequence[str]) -> str:
        self.told.append(" ".join(words))
        return SAID.get(self.told[-1], "1\n")


def test_bans_have_their_jail_and_their_end() -> None:
    assert fail2ban.bans(Client()) == [
        Ban("192.0.2.7", "guesses", "2026-11-26 14:35:40", "2026-11-26 14:45:40"),
        Ban("2001:db8::7", "guesses", "2026-11-26 14:36:40", ""),
    ]


def test_only_what_is_banned_is_lifted() -> None:
    client = Client()
    assert fail2ban.lift(["192.0.2.7", "192.0.2.9"], client) == ["192.0.2.7"]
    assert client.told[-1] == "unban 192.0.2.7"
    idle = Client()
    assert fail2ban.lift(["192.0.2.9"], idle) == []
    assert not any(word.startswith("unban") for word in idle.told)


def test_an_answer_that_is_not_understood_is_an_error() -> None:
    with pytest.raises(MallepostError, match="not understood: 'Sorry but"):
        fail2ban.bans(lambda _words: "Sorry but the command is invalid")


def test_an_address_is_one_in_its_usual_form() -> None:
    assert fail2ban.address_of(" 2001:DB8:0::7 ") == "2001:db8::7"
    with pytest.raises(InputError, match="'--all' is no address"):
        fail2ban.address_of("--all")
