"""The agents' guide: each of its pages is served as it is in the sources, its links and pictures lead somewhere."""

from typing import Any
from urllib.parse import unquote, urldefrag

import pytest
from ansible_collections.academie.malleposte.plugins.plugin_utils import portal_assets
from malleposte.accountd.calls.desk.looks import DeskReach
from malleposte.accountd.message import ErrorCode, Forbidden
from malleposte.core.paths import ROOT
from malleposte_portal.guide import INDEX, pages
from malleposte_portal.guide.markdown import anchor, read

FOLDER = ROOT / "docs/fr/guide"
TOPICS = tuple(name for name in pages("/assets/none/guide") if name != INDEX)


def served(text: str) -> str:
    return str(read(text, lambda name: f"/guide/{name}", lambda name: f"/assets/{name}").body)


def test_every_page_of_the_sources_is_listed(visit: Any) -> None:
    assert {path.stem for path in FOLDER.glob("*.md")} == {INDEX, *TOPICS}
    listed = set(visit.get("/guide").links)
    assert {f"/guide/{name}" for name in TOPICS} <= listed


@pytest.mark.parametrize("name", TOPICS)
def test_a_page_has_its_title_and_its_links_lead_to_pages_and_sections(visit: Any, name: str) -> None:
    page = visit.get(f"/guide/{name}")
    title = (FOLDER / f"{name}.md").read_text("utf-8").partition("\n")[0].removeprefix("# ")
    assert [text for _held, text in page.all("h1")] == [title]
    for held, _text in page.all("a"):
        address, part = urldefrag(held["href"])
        if address.startswith("/guide/"):
            there = visit.get(address)
            assert not part or unquote(part) in {one.get("id") for one, _words in there.all("h2")}, held["href"]


@pytest.mark.parametrize("name", TOPICS)
def test_its_pictures_are_those_of_the_documentation(visit: Any, name: str) -> None:
    shown = [held for held, _text in visit.get(f"/guide/{name}").all("img") if "/guide/" in held["src"]]
    assert len(shown) == (FOLDER / f"{name}.md").read_text("utf-8").count("](../../images/")
    assert {held["src"].rpartition("/")[2] for held in shown} <= {path.name for path in portal_assets.pictures()}
    assert all(held["alt"] for held in shown)


def test_the_english_list_says_that_the_guide_is_in_french(visit: Any) -> None:
    page = visit.get("/en/guide")
    assert tuple(text for _held, text in page.all("h1")) == ("The agents’ guide",)
    assert "The guide is in French." in page.main
    assert any(held.get("lang") == "fr" for held, _text in page.all("div"))


def test_what_is_no_page_is_not_found(visit: Any) -> None:
    for path in ("/guide/README", "/guide/..", "/guide/agenda.md", "/en/guide/agenda"):
        assert visit.raw(path).status_code == 404, path
    assert visit.raw("/guide/agenda").status_code == 200


DESK_FOLDER = ROOT / "docs/fr/assistance"
DESK_TOPICS = tuple(path.stem for path in sorted(DESK_FOLDER.glob("*.md")) if path.stem != INDEX)


def test_the_help_desk_has_its_own_pages_in_the_portal(visit: Any, log_in: Any, accountd: Any) -> None:
    assert {"agenda", "messages-supprimes", "telephone"} <= set(DESK_TOPICS)
    log_in(visit)
    listed = visit.get("/assistance/guide").links
    for name in DESK_TOPICS:
        assert f"/assistance/guide/{name}" in listed
        page = visit.get(f"/assistance/guide/{name}")
        title = (DESK_FOLDER / f"{name}.md").read_text("utf-8").partition("\n")[0].removeprefix("# ")
        assert [text for _held, text in page.all("h1")] == [title]
    assert accountd.requests(DeskReach), "accountd says whose pages they are"
    for path in ("/assistance/guide/README", "/assistance/guide/premiere-connexion"):
        assert visit.raw(path).status_code == 404


def test_nobody_else_reads_them(visit: Any, another: Any, log_in: Any, accountd: Any) -> None:
    for path in ("/assistance/guide", "/en/help-desk/guide", "/assistance/guide/agenda"):
        assert "vers=" in another().raw(path).headers["Location"]
    log_in(visit)
    accountd.refuse(ErrorCode.FORBIDDEN, DeskReach, message=Forbidden.ROLE)
    for path in ("/assistance/guide", "/assistance/guide/agenda", "/assistance/guide/nonesuch"):
        assert visit.raw(path).status_code == 403


def test_markup_is_shown_and_not_obeyed() -> None:
    assert "&lt;script&gt;" in served("# Titre\n\n<script>alert(1)</script>\n")
    assert "<strong>gras</strong>" in served("# Titre\n\n**gras**\n")


@pytest.mark.parametrize(
    "text", ["[a](https://ailleurs.test/)", "[a](../assistance/README.md)", "![a](https://ailleurs.test/a.png)"]
)
def test_what_leads_elsewhere_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="neither a page of the guide nor a picture"):
        served(f"# Titre\n\n{text}\n")
    assert 'href="/guide/a#b"' in served("# Titre\n\n[a](a.md#b)\n")


def test_a_page_begins_with_its_title() -> None:
    with pytest.raises(ValueError, match="does not begin with its title"):
        served("Un texte\n")


def test_sections_are_named_as_forges_name_them() -> None:
    assert anchor("L’agenda d’une boîte fonctionnelle") == "lagenda-dune-boîte-fonctionnelle"
