"""A box whose mail has owners, on a simulated Dovecot."""

from pathlib import Path

import pytest
from malleposte.accounts.mailbox.owners.box import Box
from malleposte.accounts.mailbox.owners.dovecot import Dovecot, Row
from malleposte.accounts.mailbox.owners.keeper import Keeper
from malleposte.accounts.mailbox.owners.look import Look
from malleposte.accounts.mailbox.owners.model import Act, Change, Order, Shown
from malleposte.accounts.mailbox.owners.order import write
from malleposte.accounts.mailbox.owners.store import Store

from .simulated import BEGIN, BOX, Doveadm, Message


class Stage:
    """A store with one box; orders go through the spool as they do on a host."""

    def __init__(self, root: Path) -> None:
        self.root, self.spool, self.now, self.allowed = root, root / "spool", BEGIN, True
        self.spool.mkdir()
        self.doveadm = Doveadm()
        self.dovecot = Dovecot(self.doveadm)
        self.store = Store(root)
        self.said: list[str] = []
        self.senders: dict[str, str] = {}
        self.box = Box(root, self.dovecot, lambda: self.allowed, lambda: self.now)
        self.look = Look(
            self.store, self.said.append, self.dovecot, lambda ident: self.senders.get(ident, ""), lambda: self.now
        )
        self.keeper = Keeper(self.store, self.spool, self.look, lambda: self.allowed, lambda: self.now)

    def row(self, message: Message) -> Row:
        return self.dovecot.named(BOX, message.ident, message.folder)[0]

    def change(self, agent: str, act: Act, message: Message, text: str = "", *, manager: bool = False) -> Shown:
        return self.box.change(BOX, Change(agent, act, message.number, self.row(message).key, text, manager))

    def store_flags(self, agent: str, message: Message, sign: str, *labels: str) -> None:
        """Change flags as a delegate's program does, and give the order that the script then gives."""
        message.flags = message.flags | set(labels) if sign == "+" else message.flags - set(labels)
        bears = tuple(one for one in ("prisencharge", "traite", "\\Answered") if one in message.flags)
        write(self.spool, Order(agent, BOX, message.folder, message.ident, labels, bears, self.now))

    def later(self, seconds: float = 200.0) -> None:
        self.now += seconds
        self.keeper.turn()


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    stage = Stage(tmp_path)
    stage.box.set(BOX, on=True)
    stage.keeper.turn()
    return stage
