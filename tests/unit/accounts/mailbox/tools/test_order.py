"""An order holds what its rule tells alone, and nobody's fill the spool."""

import io
from pathlib import Path

import msgspec
import pytest
from malleposte.accounts.mailbox.tools import order
from malleposte.accounts.mailbox.tools.model import MOST, Order, Paused, Rule, When
from malleposte.accounts.mailbox.tools.store import Store

TEXT = b"From: a@example.org\nSubject: Titre\nMessage-ID: <a@x>\n\nBonjour,\nun secret\n"
ONE, TWO = "1" * 16, "2" * 16


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    (tmp_path / "spool" / order.FULL).mkdir(parents=True)
    return tmp_path / "spool"


def rule(ident: str = ONE, **more) -> Rule:
    return Rule(ident, "slack", When.LABEL, {}, "sealed-access", label="$label4", **more)


def give(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *words: str, raw: bytes = TEXT) -> int:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(raw)))
    return order.main([str(tmp_path), str(tmp_path / "spool"), *words])


def orders(spool: Path) -> list[Order]:
    return [msgspec.json.decode(path.read_bytes(), type=Order) for path in sorted(spool.glob("*.json"))]


def test_an_order_holds_what_its_rule_tells(tmp_path: Path, spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Store(tmp_path).change("mdupond", lambda _rules: [rule(), rule(TWO, lines=True)])
    assert give(tmp_path, monkeypatch, "mdupond", ONE, TWO) == 0
    first, second = orders(spool)
    assert (first.rule, first.message_id, first.title, first.sender) == (ONE, "<a@x>", "Titre", "a@example.org")
    assert (first.text, second.text) == ("", "Bonjour,\nun secret")
    assert all(b"sealed" not in path.read_bytes() for path in spool.glob("*.json"))
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in spool.glob("*.json"))


def test_a_message_without_a_message_id_has_its_digest(tmp_path, spool, monkeypatch) -> None:
    Store(tmp_path).change("mdupond", lambda _rules: [rule()])
    for raw in (b"Subject: a\n\nx", b"Subject: a\n\nx", b"Subject: b\n\nx"):
        assert give(tmp_path, monkeypatch, "mdupond", ONE, raw=raw) == 0
    assert len({one.message_id for one in orders(spool)}) == 2


def test_a_rule_that_is_stopped_or_gone_gives_none(tmp_path, spool, monkeypatch) -> None:
    Store(tmp_path).change("mdupond", lambda _rules: [rule(paused=Paused.STOPPED)])
    assert give(tmp_path, monkeypatch, "mdupond", ONE, TWO) == 0
    assert orders(spool) == []
    Store(tmp_path).change("mdupond", lambda _rules: [rule(paused=Paused.REVOKED)])
    assert give(tmp_path, monkeypatch, "mdupond", ONE) == 0
    assert len(orders(spool)) == 1


def test_an_account_fills_its_part_of_the_spool_alone(tmp_path, spool, monkeypatch) -> None:
    for uid in ("mdupond", "alebrun"):
        Store(tmp_path).change(uid, lambda _rules: [rule()])
    one = Order("mdupond", ONE, "<a@x>", "t", "a@b", "", 1.0)
    written = [order.write(spool, one) for _turn in range(MOST + 5)]
    assert written.count(True) == MOST + 1
    assert (spool / order.FULL / "mdupond").exists()
    assert give(tmp_path, monkeypatch, "mdupond", ONE) == 0
    assert give(tmp_path, monkeypatch, "alebrun", ONE) == 0
    assert [one.uid for one in orders(spool)].count("alebrun") == 1


@pytest.mark.parametrize("words", [[], ["mdupond"], ["../x", ONE], ["-x", ONE], ["mdupond", *[ONE] * 11]])
def test_words_that_are_none(tmp_path, spool, monkeypatch, words, capsys) -> None:
    assert give(tmp_path, monkeypatch, *words) == 2
    assert orders(spool) == []
    assert capsys.readouterr().err


def test_a_broken_message_gives_no_order(tmp_path, spool, monkeypatch, capsys) -> None:
    Store(tmp_path).change("mdupond", lambda _rules: [rule()])
    assert give(tmp_path, monkeypatch, "mdupond", ONE, raw=b"no header\n\nx") == 1
    assert orders(spool) == []
    assert "mdupond" in capsys.readouterr().err
