"""An access that is sealed is opened by its key, for its agent and rule alone; a link opens for its owner alone."""

import base64

import pytest
from malleposte.accounts.mailbox.tools import sealed
from malleposte.accounts.mailbox.tools.links import LONGEST, Links
from malleposte.accounts.mailbox.tools.sealed import ACCESS, LINKS, Seal
from malleposte.core.errors import MallepostError

SECRET = "s" * 40
VALUES = {"token": "tk-0123456789"}


def test_an_access_is_opened_for_its_agent_and_rule_alone() -> None:
    seal = Seal(SECRET)
    text = sealed.close_access(seal, "mdupond", "r1", VALUES)
    assert sealed.open_access(Seal(SECRET), "mdupond", "r1", text) == VALUES
    for uid, rule, other in (("alebrun", "r1", SECRET), ("mdupond", "r2", SECRET), ("mdupond", "r1", "t" * 40)):
        with pytest.raises(MallepostError) as refused:
            sealed.open_access(Seal(other), uid, rule, text)
        assert "tk-" not in str(refused.value)
    with pytest.raises(MallepostError):
        sealed.open_access(Seal(SECRET, LINKS), "mdupond", "r1", text)


def test_what_is_sealed_shows_nothing_and_is_another_each_time() -> None:
    seal = Seal(SECRET)
    texts = {sealed.close_access(seal, "mdupond", "r1", VALUES) for _turn in range(20)}
    assert len(texts) == 20
    assert all(b"tk-" not in base64.urlsafe_b64decode(text + "==") for text in texts)


@pytest.mark.parametrize("change", [0, 5, 20, -1])
def test_a_changed_octet_is_seen(change: int) -> None:
    text = Seal(SECRET).close(b"x" * 30, "a")
    raw = bytearray(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    raw[change] ^= 1
    with pytest.raises(MallepostError):
        Seal(SECRET).open(base64.urlsafe_b64encode(bytes(raw)).decode(), "a")
    assert Seal(SECRET).open(text, "a") == b"x" * 30


@pytest.mark.parametrize("text", ["", "a", "é", "a b", "AAAA", "=" * 9, "A" * 5000])
def test_what_is_no_sealed_text_is_refused(text: str) -> None:
    with pytest.raises(MallepostError):
        Seal(SECRET).open(text, "a")


def test_a_short_secret_is_no_key(tmp_path) -> None:
    with pytest.raises(MallepostError):
        Seal("s" * 31, ACCESS)
    with pytest.raises(MallepostError):
        sealed.read_key(tmp_path / "none")
    (tmp_path / "key").write_text(f"{SECRET}\n")
    assert sealed.read_key(tmp_path / "key") == SECRET


def test_a_link_is_its_owner_s_alone() -> None:
    links = Links(SECRET, "pia.ac-exemple.test")
    link = links.of("mdupond", "<a@b>")
    place, word = link[: -len(link.rsplit("/", 1)[1])], link.rsplit("/", 1)[1]
    assert place == "https://pia.ac-exemple.test/lien/"
    assert links.message_id("mdupond", word) == "<a@b>"
    assert links.message_id("alebrun", word) == ""
    assert "mdupond" not in link
    assert len(links.of("m" * 64, f"<{'x' * 248}>").rsplit("/", 1)[1]) <= LONGEST


@pytest.mark.parametrize("word", ["", "a", "../..", "é", "A" * 40, "A" * 5000, "%00"])
def test_a_guessed_link_opens_nothing(word: str) -> None:
    assert Links(SECRET, "p").message_id("mdupond", word) == ""


def test_an_access_is_no_link() -> None:
    text = Seal(SECRET, ACCESS).close(b"mdupond\0<a@b>", "link")
    assert Links(SECRET, "p").message_id("mdupond", text) == ""
