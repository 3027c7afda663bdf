"""The pictures of the documentation."""

from pathlib import Path

from tests.browser.support.guide import replace, shown


def test_the_pictures_that_a_page_shows_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "![A](../../images/portal-desktop.png)\n<img src='docs/images/sogo-phone.png' alt='B' width='195'>\n"
        "![not ours](https://example.test/logo.png), [a link](images/sheet.pdf)\n",
        "utf-8",
    )
    assert shown([page]) == {"portal-desktop.png", "sogo-phone.png"}


def test_pictures_are_replaced_and_those_that_no_page_shows_go(tmp_path: Path) -> None:
    taken, kept = tmp_path / "taken", tmp_path / "kept"
    taken.mkdir()
    kept.mkdir()
    (taken / "portal.png").write_bytes(b"new")
    (taken / "other.png").write_bytes(b"not shown")
    (kept / "portal.png").write_bytes(b"old")
    (kept / "gone.png").write_bytes(b"old")
    (kept / "missed.png").write_bytes(b"old")
    assert replace(["portal.png", "missed.png"], taken, kept) == ["missed.png"]
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == {"portal.png": b"new", "missed.png": b"old"}
