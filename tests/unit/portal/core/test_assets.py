"""The design system's files: under one name for ever, compressed, and light enough for a first view."""

import gzip
import re
from pathlib import Path
from typing import Any

import pytest
from malleposte_portal import create_app
from malleposte_portal.core.assets import Assets
from malleposte_portal.core.settings import Settings

from tests.unit.portal.conftest import SUPPORT, TILES, FakeAccountd, Visitor, archive

LIGHT = 250_000
"""Bytes of a first view, before a password field is used."""


@pytest.fixture(scope="module")
def dressed() -> Any:
    """The portal with the files as hosts have them."""
    return create_app(Settings("Académie", SUPPORT, TILES, assets=str(archive())), FakeAccountd(), b"k" * 32)


def fetch(http: Any, path: str) -> Any:
    answer = http.get(path, base_url="https://pia.test", headers={"Accept-Encoding": "gzip"})
    assert answer.status_code == 200, path
    return answer


@pytest.mark.parametrize("path", ["/", "/en/", "/activer", "/motdepasse"])
def test_a_first_view_is_light(dressed: Any, path: str) -> None:
    with dressed.test_client() as http:
        page = fetch(http, path).text
        weight = len(gzip.compress(page.encode()))
        asked = set(re.findall(r'<(?:link|script|use|img)\b[^>]* (?:href|src)="(/[^"#]+)', page))
        styles = next(one for one in asked if one.endswith("dsfr.css"))
        beside = re.findall(r"url\(((?:fonts|icons)/[^)]+)\)", gzip.decompress(fetch(http, styles).data).decode())
        asked |= {styles.replace("dsfr.css", one) for one in beside}
        weight += sum(len(fetch(http, one).data) for one in asked if "." in one)
    assert not [one for one in asked if "zxcvbn" in one or "altcha" in one]
    assert 100_000 < weight <= LIGHT


@pytest.mark.parametrize(
    ("name", "kind", "packed"),
    [
        ("dsfr.css", "text/css; charset=utf-8", True),
        ("fonts/Marianne-Bold.woff2", "font/woff2", False),
        ("zxcvbn/fr.js", "text/javascript; charset=utf-8", True),
        ("pictograms/mail.svg", "image/svg+xml", True),
        ("guide/portal-desktop.png", "image/png", False),
        ("LICENCES.txt", "text/plain; charset=utf-8", True),
    ],
)
def test_a_file_is_kept_for_ever_under_its_name(dressed: Any, name: str, kind: str, packed: bool) -> None:
    assets = Assets.read(archive())
    with dressed.test_client() as http:
        answer = fetch(http, assets.address(name))
        assert answer.headers["Content-Type"] == kind
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert (answer.headers.get("Content-Encoding") == "gzip") is packed
        assert "Set-Cookie" not in answer.headers
        plain = http.get(assets.address(name), base_url="https://pia.test")
        assert plain.data == assets.files[name]
        other = http.get(f"/assets/0/{name}", base_url="https://pia.test")
        assert (other.status_code, other.headers["Cache-Control"]) == (200, "no-store")


@pytest.mark.parametrize("name", ["none.css", "../app.py", "fonts/", ""])
def test_nothing_else_is_served(dressed: Any, name: str) -> None:
    with dressed.test_client() as http:
        assert http.get(f"/assets/0/{name}", base_url="https://pia.test").status_code == 404


def test_an_archive_that_is_not_one_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"no archive")
    with pytest.raises(Exception, match="not a zip file"):
        Assets.read(tmp_path / "a.zip")


def test_pages_name_each_picture_that_they_use(visit: Visitor) -> None:
    """A tile without a picture of its own has that of any application."""
    visit.get("/")
    assert "pictograms/application.svg#artwork-major" in visit.last.text
