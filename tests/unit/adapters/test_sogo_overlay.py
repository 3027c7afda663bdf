"""The academy's copies of SOGo's texts and styles: words, single texts, shades, and what the package no longer has."""

import json
from pathlib import Path

import pytest
from malleposte.adapters.sogo.overlay import main, spaced

STRINGS = """/* Buttons */
"Save" = "Enregistrer le courriel";
"Quote"   = "Il dit \\"courriel\\", un témoin";
"JunkFolderName" = "Pourriel";
"courriel" = "rien";
Tentative = "Courriel tentatif";
"Two lines"
= "Adresse courriel";
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package of SOGo with one part and a style sheet."""
    french = tmp_path / "package/MailerUI.SOGo/French.lproj"
    french.mkdir(parents=True)
    (french / "Localizable.strings").write_text(STRINGS, "utf-8")
    css = tmp_path / "package/SOGo/WebServerResources/css"
    css.mkdir(parents=True)
    (css / "theme-default.css").write_text("a{color:rgb(77,128,128)}b{color:rgba(77,128,128,0.26)}c{color:rgb(1,2,3)}")
    return tmp_path / "package"


def made(
    tmp_path: Path,
    package: Path,
    texts: dict[str, dict[str, str]],
    shades: dict[str, str],
    added: dict[str, dict[str, str]] | None = None,
) -> int:
    """The exit code of the program over that package."""
    words = [
        {"from": "adresse (de |)courriel", "to": "adresse électronique"},
        {"from": "courriel", "to": "message"},
        {"from": "pourriel", "to": "indésirable"},
    ]
    changes = {"words": words, "texts": texts, "added": added or {}, "shades": shades}
    (tmp_path / "changes.json").write_text(json.dumps(changes))
    (tmp_path / "after.css").write_text("d{}\n")
    (tmp_path / "made").mkdir()
    return main([str(package), str(tmp_path / "changes.json"), str(tmp_path / "after.css"), str(tmp_path / "made")])


def test_values_change_and_names_do_not(tmp_path: Path, package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = {"MailerUI": {"Save": 'Dit "oui"', "Tentative": "Peut-être"}}
    assert made(tmp_path, package, texts, {"77,128,128": "0,0,145"}) == 0
    assert (tmp_path / "made/MailerUI.strings").read_text("utf-8") == (
        STRINGS.replace("Enregistrer le courriel", 'Dit \\"oui\\"')
        .replace('\\"courriel\\"', '\\"message\\"')
        .replace("Pourriel", "Indésirable")
        .replace("Courriel tentatif", "Peut-être")
        .replace("Adresse courriel", "Adresse électronique")
    )
    css = (tmp_path / "made/theme-default.css").read_text("utf-8")
    assert css == "a{color:rgb(0,0,145)}b{color:rgba(0,0,145,0.26)}c{color:rgb(1,2,3)}\nd{}\n"
    assert capsys.readouterr().err == ""


def test_a_text_that_its_french_never_had_is_added(
    tmp_path: Path, package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    added = {"MailerUI": {'Send "now"': "Envoyer\nmaintenant"}, "NoUI": {"x": "y"}}
    assert made(tmp_path, package, {}, {}, added) == 0
    made_text = (tmp_path / "made/MailerUI.strings").read_text("utf-8")
    assert made_text.endswith('= "Adresse électronique";\n"Send \\"now\\"" = "Envoyer\\nmaintenant";\n')
    assert "no part 'NoUI'" in capsys.readouterr().err


def test_a_text_that_the_package_lost_is_told_and_the_rest_is_done(
    tmp_path: Path, package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert made(tmp_path, package, {"MailerUI": {"Gone": "x"}, "OldUI": {}}, {"9,9,9": "0,0,145"}) == 0
    told = capsys.readouterr().err
    assert "MailerUI has no text 'Gone'" in told
    assert "no part 'OldUI'" in told
    assert "none of the shades" in told
    assert "message" in (tmp_path / "made/MailerUI.strings").read_text("utf-8")


def test_without_the_package_nothing_is_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert made(tmp_path, tmp_path / "absent", {}, {}) == 1
    assert "SOGo keeps its own" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("Invitation à la réunion : «%{Summary}»", "Invitation à la réunion~: «~%{Summary}~»"),
        ("Réunion annulée : « %{Summary} »", "Réunion annulée~: «~%{Summary}~»"),
        ("Réunion~: «~%{Summary}~».", "Réunion~: «~%{Summary}~»."),
        ("l'agenda «%{0}»?", "l'agenda «~%{0}~»?"),
        ("Voulez-vous continuer ?\\nOui", "Voulez-vous continuer~?\\nOui"),
        ("Début :\\n%{StartDate}", "Début~:\\n%{StartDate}"),
        ("%{0} % utilisés sur %{1} Mo", "%{0} % utilisés sur %{1} Mo"),
        ("le 12/01 12:30 :-)", "le 12/01 12:30 :-)"),
    ],
)
def test_french_has_its_no_break_spaces(text: str, right: str) -> None:
    assert spaced(text.replace("~", "\u00a0")) == right.replace("~", "\u00a0")


def test_the_package_s_texts_get_them_and_their_names_do_not(tmp_path: Path, package: Path) -> None:
    path = package / "MailerUI.SOGo/French.lproj/Localizable.strings"
    path.write_text('"Invitation : \\"%{Summary}\\"" = "Invitation : «%{Summary}»";\n', "utf-8")
    assert made(tmp_path, package, {}, {"77,128,128": "0,0,145"}) == 0
    kept = '"Invitation : \\"%{Summary}\\"" = "Invitation\u00a0: «\u00a0%{Summary}\u00a0»";\n'
    assert (tmp_path / "made/MailerUI.strings").read_text("utf-8") == kept
