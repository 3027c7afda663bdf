"""The room of the files of messages that an agent writes in SOGo."""

from __future__ import annotations

from pathlib import Path

import pytest
from malleposte.daemons.sogo_front import drafts
from malleposte.daemons.sogo_front.drafts import Spool

ROOM = 10 * drafts.LEAST


def lay(spool: Path, agent: str, name: str, size: int) -> Path:
    """Lay a file of a message there, of so many bytes."""
    folder = spool / agent / name
    folder.mkdir(parents=True)
    with (folder / "file.bin").open("wb") as file:
        file.truncate(size)
    return folder


@pytest.mark.parametrize(
    ("target", "answer"),
    [
        ("/SOGo/so/zoe/Mail/0/compose", True),
        ("/SOGo/so/zoe/Mail/0/folderINBOX/12/%65dit?x=1", True),
        ("/SOGo/so/zoe/Mail/0/folderINBOX/forwardMessages", True),
        ("/SOGo/so/zoe/Mail/0/folderBrouillons/newDraft1-1/save/", True),
        ("/SOGo/so/zoe/Mail/0/folderBrouillons/newDraft1-1/send", False),
        ("/SOGo/so/zoe/Mail/0/folderedit/12/view?compose", False),
        ("/SOGo/so/zoe/Contacts/personal/save", False),
    ],
)
def test_what_writes_into_the_spool(target: str, answer: bool) -> None:
    assert drafts.writes(target) is answer


def test_messages_count_together_and_by_agent(tmp_path: Path) -> None:
    spool = Spool(tmp_path, ROOM)
    assert not spool.full("zoe")
    lay(tmp_path, "zoe", "newDraft1", ROOM - drafts.LEAST - 1)
    assert not spool.full("zoe")
    lay(tmp_path, "zoe", "newDraft2", drafts.LEAST + 1)
    assert spool.full("zoe") and not spool.full("lea")


def test_empty_messages_count_too(tmp_path: Path) -> None:
    for number in range(10):
        assert not Spool(tmp_path, ROOM).full("zoe")
        lay(tmp_path, "zoe", f"newDraft{number}", 0)
    assert Spool(tmp_path, ROOM).full("zoe")


def test_a_name_leads_nowhere_else(tmp_path: Path) -> None:
    lay(tmp_path, "zoe", "newDraft1", ROOM)
    for agent in ("", ".", "..", "../" + tmp_path.name + "/zoe"):
        assert not Spool(tmp_path, ROOM).full(agent)


def test_what_cannot_be_read_is_logged_and_hinders_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "zoe").write_text("no folder")
    assert not Spool(tmp_path, ROOM).full("zoe")
    assert "zoe: Not a directory" in caplog.text
