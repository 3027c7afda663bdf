"""French typography in every French text: no-break spaces before : ; ? ! and inside « », and the apostrophe ’.

French texts are string literals of Python, PHP and JavaScript, words in YAML and JSON, templates, and the pages of
docs/fr. A text counts as French when it has a letter or sign that English has not, or several French words. Answers of
SMTP and IMAP must be ASCII: they are worded without apostrophes and signs that need
a space.
"""

import ast
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from .conftest import ROOT

PYTHON = sorted(
    [
        *ROOT.glob("cli/malleposte/**/*.py"),
        *ROOT.glob("plugins/module_utils/**/*.py"),
        *ROOT.glob("portal/**/*.py"),
        *ROOT.glob("roles/*/files/**/*.py"),
    ]
)
YAML = sorted(
    [
        *ROOT.glob("roles/*/vars/*.yml"),
        *ROOT.glob("roles/*/defaults/*.yml"),
        *ROOT.glob("playbooks/group_vars/all/*.yml"),
        *ROOT.glob("roles/*/files/**/*.yml"),
    ]
)
JSON = sorted(ROOT.glob("roles/*/files/**/*.json"))
SCRIPTS = sorted(
    [
        *ROOT.glob("plugins/plugin_utils/*.js"),
        *(path for ending in ("js", "php", "inc") for path in ROOT.glob(f"roles/*/files/**/*.{ending}")),
    ]
)
TEMPLATES = sorted(
    [
        *ROOT.glob("roles/*/templates/**/*.j2"),
        *ROOT.glob("portal/**/*.html"),
        *ROOT.glob("portal/**/*.po"),
    ]
)
PAGES = sorted([ROOT / "README.fr.md", *ROOT.glob("docs/fr/**/*.md")])
NO_BREAK = "\u00a0\u202f"
_LETTER = re.compile(r"[àâçèéêëîïôùûœÀÂÇÈÉÊÔŒ«»’]")
_WORDS = frozenset(
    "le la les un une des du de et est sont vous votre vos nous pour par sur dans avec que qui ce cette ces pas ne au"
    " aux il elle liste compte boîte message".split()
)
_ENGLISH = frozenset("the of and no is are to for not it in as a an with by from this that was be your one".split())
_QUOTED = re.compile(
    r"""/\*.*?\*/|(?<![:'"\\])(?://|\#)[^\n]*|(?P<text>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`[^`]*`)""", re.DOTALL
)
"""A comment, or a literal."""
_FAULTS = (
    (re.compile(r"[\w»)\]}%\"] [:;?!»](?![-/\w])"), "a plain space before a sign"),
    (re.compile(r"(?<=[^\W\d_])[?!;](?=\s|$)|(?<=[^\W\d_]):(?=\s|$)"), "no space before a sign"),
    (re.compile(rf"«(?![{NO_BREAK}])|(?<![{NO_BREAK}])»"), "no no-break space inside « »"),
    (re.compile(r"(?<=[^\W\d_])'(?=[^\W\d_])"), "a straight apostrophe"),
)


def is_french(text: str) -> bool:
    words = re.findall(r"[^\W\d_]+", text.lower())
    french, english = (sum(word in known for word in words) for known in (_WORDS, _ENGLISH))
    return english <= french and (bool(_LETTER.search(text)) or french >= 3)


def segments(text: str) -> Iterator[str]:
    """The French parts of a text that may hold both languages: paragraphs, and what stands on one side of a slash."""
    for paragraph in re.split(r"\n\s*\n|\n--\n", text):
        for part in re.split(r"\s+/\s+", paragraph):
            if is_french(part) and not re.match(r"\s*[A-Z-]+[:;]", part):
                yield part


def faults(text: str) -> list[str]:
    """Return the faults of a text, each with the words around it."""
    found = []
    bare = re.sub(r'<(\w+) lang="en">.*?</\1>', "", text, flags=re.DOTALL)
    bare = re.sub(r"`[^`]*`|https?://\S+|<[^>\n]+>", "x", bare.replace("&#160;", "\u00a0"))
    for part in segments(bare):
        for pattern, fault in _FAULTS:
            found += [
                f"{fault}: {part[max(0, place.start() - 20) : place.end() + 12]!r}" for place in pattern.finditer(part)
            ]
    return found


def documentation(tree: ast.AST) -> set[int]:
    """The literals that are docstrings, by identity: they are English."""
    return {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def literals(text: str) -> Iterator[str]:
    """The string literals of a Python file; the fields of an f-string are shown as {}."""
    tree = ast.parse(text)
    skipped = documentation(tree)
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.JoinedStr):
            skipped |= {id(value) for value in node.values}
            yield "".join(str(one.value) if isinstance(one, ast.Constant) else "{}" for one in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def quoted(text: str) -> Iterator[str]:
    """The string literals of a PHP or JavaScript file, without its comments."""
    for found in _QUOTED.finditer(text):
        if found["text"]:
            yield re.sub(r"\\(.)", r"\1", found["text"][1:-1])


def values(found: object) -> Iterator[str]:
    if isinstance(found, dict):
        for inner in found.values():
            yield from values(inner)
    elif isinstance(found, list):
        for inner in found:
            yield from values(inner)
    elif isinstance(found, str) and not found.startswith("{{"):
        yield found


def texts(path: Path) -> Iterator[str]:
    """The texts of a file that may be French."""
    content = path.read_text("utf-8")
    if path.suffix == ".py":
        yield from literals(content)
    elif path.suffix == ".yml":
        yield from values(yaml.safe_load(content))
    elif path.suffix == ".json":
        yield from values(json.loads(content))
    elif path.suffix in (".js", ".php", ".inc"):
        yield from quoted(content)
    elif path.suffix == ".md":
        yield from re.sub(r"^```.*?^```", "", content, flags=re.DOTALL | re.MULTILINE).splitlines()
    else:
        yield from re.sub(r"\{[#%].*?[#%]\}", "", content, flags=re.DOTALL).splitlines()


def test_french_texts_are_typeset() -> None:
    found = {
        str(path.relative_to(ROOT)): wrong
        for path in [*PYTHON, *YAML, *JSON, *SCRIPTS, *TEMPLATES, *PAGES]
        if (wrong := [fault for text in texts(path) for fault in faults(text)])
    }
    assert found == {}


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("Déjà utilisé : choisissez.", "Déjà utilisé\u00a0: choisissez."),
        ("Déjà utilisé: choisissez.", "Déjà utilisé\u202f: choisissez."),
        ("Besoin d’aide ?", "Besoin d’aide\u00a0?"),
        ("la page « Mon compte »", "la page «\u00a0Mon compte\u00a0»"),
        ("l'adresse de la boîte", "l’adresse de la boîte"),
        ("Refusé : {subject} / rejected: {subject}", "Refusé\u00a0: {subject} / rejected: {subject}"),
    ],
)
def test_the_check_sees_faults(wrong: str, right: str) -> None:
    assert faults(wrong) != []
    assert faults(right) == []


@pytest.mark.parametrize("text", ["It's the département: 21", "no column « NUMEN » for numen", "uid: mdupond", "12:30"])
def test_the_check_leaves_english_alone(text: str) -> None:
    assert faults(text) == []


def test_the_check_reads_literals_and_no_docstrings(tmp_path: Path) -> None:
    path = tmp_path / "some.py"
    path.write_text('"""Le compte : é."""\nHELP = "Où est-il ?"\nTOLD = f"Le {HELP} : où ?"\n', "utf-8")
    assert list(texts(path)) == ["Où est-il ?", "Le {} : où ?"]


def test_the_check_reads_literals_of_scripts_and_no_comments(tmp_path: Path) -> None:
    path = tmp_path / "some.inc"
    path.write_text(
        "<?php // l'été : là\n/* d'un */ $labels['x'] = 'Où est l\\'été ?'; # d'un\n$y = \"Là\";\n", "utf-8"
    )
    assert list(texts(path)) == ["x", "Où est l'été ?", "Là"]


def test_a_text_is_translated_once() -> None:
    """Of two translations the reader of the file takes the last, whichever was meant."""
    text = (ROOT / "portal/malleposte_portal/translations/en.po").read_text("utf-8")
    counts = Counter(re.findall(r'^msgid ("[^"].*)$', text, re.MULTILINE))
    assert [msgid for msgid, count in counts.items() if count > 1] == []
