"""The files of others that the portal serves: locked, checked, few, and made once; a fault names its remedy."""

import json
import re
import zipfile
from pathlib import Path

import pytest
from ansible_collections.academie.malleposte.plugins.plugin_utils import portal_assets

from tests.support.programs import executable

SHEETS = {
    "core.css": '@charset "UTF-8";@font-face{font-family:Marianne;src:url(../fonts/Marianne-Light.woff2)}'
    ":root{--grey:#fff}:root[data-fr-theme=dark]{--grey:#000}",
    "one.css": '.a{mask:url(../../icons/system/x.svg)}[data-fr-theme=dark] .a::after{top:0}.b{content:"é"}',
}


def test_the_lock_has_a_digest_for_every_package_and_no_address() -> None:
    lock = json.loads((portal_assets.NPM / "package-lock.json").read_bytes())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert {"node_modules/@gouvfr/dsfr", "node_modules/altcha", "node_modules/@zxcvbn-ts/core"} <= set(packages)
    assert [name for name, entry in packages.items() if not entry.get("integrity", "").startswith("sha512-")] == []
    assert [name for name, entry in packages.items() if "resolved" in entry] == []
    wanted = json.loads((portal_assets.NPM / "package.json").read_bytes())["dependencies"]
    assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted} == wanted


def test_the_archive_holds_what_pages_use_and_no_more() -> None:
    path = portal_assets.written()
    with zipfile.ZipFile(path) as made:
        names, styles = set(made.namelist()), made.read(portal_assets.STYLES).decode()
    fonts = {name for name in names if name.startswith("fonts/")}
    assert fonts == {"fonts/Marianne-Regular.woff2", "fonts/Marianne-Bold.woff2"}
    assert {f"pictograms/{name}.svg" for name in portal_assets.PICTOGRAMS} | set(portal_assets.ALONE) <= names
    asked = {name for name in re.findall(r"url\(([^)\"]+)\)", styles) if not name.startswith("data:")}
    assert asked == {name for name in names if name.startswith(("fonts/", "icons/"))}
    shown = {name for name in names if name.startswith("guide/")}
    assert shown == {f"guide/{picture.name}" for picture in portal_assets.pictures()} and len(shown) > 10
    assert "http:" not in re.sub(r"http://www\.w3\.org/\S+", "", styles)
    assert path.stat().st_size < 5_000_000


def test_the_log_in_page_has_its_part_in_a_folder(tmp_path: Path) -> None:
    old = tmp_path / "0123456789abcdef-log-in"
    old.mkdir()
    (tmp_path / f"{portal_assets.wanted()}.zip").write_bytes(portal_assets.written().read_bytes())
    made = portal_assets.log_in(tmp_path)
    assert portal_assets.log_in(tmp_path) == made and not old.exists()
    styles = (made / portal_assets.LOG_IN_STYLES).read_text("utf-8")
    assert ".fr-logo" in styles and ".fr-footer" in styles and ".fr-tile" not in styles
    names = {str(path.relative_to(made)) for path in made.rglob("*") if path.is_file()}
    asked = set(re.findall(r"url\((?!data:)([^)\"]+)\)", styles))
    assert names == asked | {portal_assets.LOG_IN_STYLES} and "fonts/Marianne-Bold.woff2" in names


def test_it_is_made_once_and_the_same_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(portal_assets, "fetched", lambda scratch: scratch)
    monkeypatch.setattr(portal_assets, "files", lambda packages: iter([("a.css", b"a"), ("b.js", b"b")]))
    (tmp_path / "0123456789abcdef.zip").touch()
    first = portal_assets.written(tmp_path)
    assert [one.name for one in tmp_path.glob("*.zip")] == [first.name], "that of an older lock stays"
    content = first.read_bytes()
    monkeypatch.setattr(portal_assets, "fetched", None)
    assert portal_assets.written(tmp_path) == first
    assert portal_assets.archive({"a.css": b"a", "b.js": b"b"}) == content


def test_dark_colours_come_by_the_browser_s_wish() -> None:
    styles = portal_assets.bundle(SHEETS)
    assert "data-fr-theme" not in styles and "Light" not in styles
    assert styles.count('@charset "UTF-8";') == 1 and styles.startswith("@charset")
    assert "@media (prefers-color-scheme:dark){:root:root{--grey:#000}}" in styles
    assert "@media (prefers-color-scheme:dark){:root .a::after{top:0}}" in styles
    assert styles.index("--grey:#fff") < styles.index("--grey:#000")
    assert ".a{mask:url(icons/system/x.svg)}" in styles
    assert styles.count("{") == styles.count("}")


def npm(folder: Path, script: str) -> str:
    """A program in npm's place."""
    path = executable(folder / "npm", script)
    return str(path)


def test_npm_is_called_by_the_lock_without_scripts(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    done = portal_assets.fetched(scratch, npm(tmp_path, 'echo "$@" >words; mkdir node_modules'))
    assert done.is_dir()
    words = (scratch / "words").read_text().split()
    assert words[0] == "ci" and "--ignore-scripts" in words
    assert (scratch / "package-lock.json").read_bytes() == (portal_assets.NPM / "package-lock.json").read_bytes()


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo 'npm error code EINTEGRITY'; echo 'npm error sha512-x was wanted'; exit 1", "EINTEGRITY"),
        ("echo 'npm ERR! network timeout'; exit 1", "network timeout"),
        ("echo broken; exit 3", "broken"),
    ],
)
def test_what_npm_says_is_told_with_the_remedy(tmp_path: Path, script: str, said: str) -> None:
    with pytest.raises(portal_assets.AssetsError, match=rf"npm ci failed \(.*{said}.*registry") as raised:
        portal_assets.fetched(tmp_path, npm(tmp_path, script))
    assert "\n" not in str(raised.value)


def test_a_machine_without_npm_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(portal_assets.AssetsError, match=r"npm is not installed.*sudo \./malleposte --version"):
        portal_assets.fetched(tmp_path)


def test_a_file_that_a_package_lost_is_named(tmp_path: Path) -> None:
    with pytest.raises(portal_assets.AssetsError, match=r"core\.main\.min\.css: not in the locked package"):
        dict(portal_assets.files(tmp_path))
