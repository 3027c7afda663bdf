"""Certificates that the operator gives are held against the host that is to show them, before anything is deployed."""

from collections.abc import Callable
from pathlib import Path

import pytest
from malleposte.check import certificates, run
from malleposte.check.findings import Level
from malleposte.core.paths import ROOT
from malleposte.fleet.site import Site

from tests.support.authority import Signed, key_text, root
from tests.support.inventories import FACTS, copied, edited

AUTHORITY, STRANGER = root(), root("Une autre")


@pytest.fixture(scope="module")
def names() -> list[str]:
    """All names of the one host."""
    found: list[str] = Site(ROOT / "inventories/standalone").template("mail1", "{{ acme_names }}")
    assert len(found) > 10
    return found


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """The standalone inventory, with certificates of one's own, of a private authority."""
    folder = copied(tmp_path / "mine")
    tls = {"source": "files", "root_certificate": AUTHORITY.pem}
    edited(folder / FACTS, lambda facts: facts.update(malleposte_tls=tls))
    return folder


@pytest.fixture
def told(inventory: Path) -> Callable[..., list[str]]:
    """The findings about a chain and a key: their text, without the folder."""

    def look(chain: str, key: str) -> list[str]:
        folder = inventory / "secrets"
        folder.mkdir(mode=0o700, exist_ok=True)
        for name, text in (("tls-mail1.pem", chain), ("tls-mail1.key", key)):
            (folder / name).write_text(text, "utf-8")
            (folder / name).chmod(0o600)
        report = run.check(inventory, online=False)
        levels = (Level.WRONG, Level.WARNING)
        said = [one.text() for one in report.findings if one.level in levels and "tls-mail1" in one.text()]
        return [text.rpartition("/secrets/")[2] for text in said]

    return look


def test_a_whole_chain_for_all_names_is_taken(told: Callable[..., list[str]], names: list[str]) -> None:
    middle = AUTHORITY.sign("Intermédiaire", ca=True)
    leaf = middle.sign("mail1", names)
    assert told(leaf.pem + middle.pem, leaf.key_pem) == []
    assert told(leaf.pem + middle.pem + AUTHORITY.pem, leaf.key_pem) == []


def test_a_star_is_good_for_each_name_of_the_domain(told: Callable[..., list[str]]) -> None:
    leaf = AUTHORITY.sign("étoile", ["*.ac-exemple.test"])
    assert told(leaf.pem, leaf.key_pem) == []


def test_a_missing_pair_says_which_names_it_must_bear(inventory: Path, names: list[str]) -> None:
    said = [one.text() for one in run.check(inventory, online=False).findings if one.level is Level.WRONG]
    assert len(said) == 2
    for text, name in zip(sorted(said), ("tls-mail1.key", "tls-mail1.pem"), strict=True):
        assert f"malleposte_tls.source: files: the secret secrets/{name} is missing; " in text
        assert text.endswith(f"the certificate of mail1 must bear {', '.join(names)}")


def test_names_that_it_lacks_are_told_with_all_that_it_must_bear(
    told: Callable[..., list[str]], names: list[str]
) -> None:
    leaf = AUTHORITY.sign("mail1", names[:-2])
    assert told(leaf.pem, leaf.key_pem) == [
        f"tls-mail1.pem: does not bear {', '.join(names[-2:])}; the certificate of mail1 must bear {', '.join(names)}"
    ]


def _pairs(names: list[str]) -> dict[str, tuple[Signed, str, str]]:
    """Wrong pairs: the certificate, what is added to its chain, and the beginning of what is said of it."""
    middle = AUTHORITY.sign("Intermédiaire", ca=True)
    by_middle = middle.sign("x", names)
    return {
        "ended": (AUTHORITY.sign("x", names, begins=-100, days=90), "", "certificate 1 (CN=x) has ended on "),
        "not yet": (AUTHORITY.sign("x", names, begins=2), "", "certificate 1 (CN=x) begins on "),
        "soon": (AUTHORITY.sign("x", names, days=11), "", "warning: ends on "),
        "no intermediate": (by_middle, "", "ends at 'CN=Intermédiaire', which the hosts do not trust"),
        "wrong order": (by_middle, AUTHORITY.pem + middle.pem, "certificate 2 has not signed certificate 1"),
        "stranger": (STRANGER.sign("x", names), "", "ends at 'CN=Une autre', which the hosts do not trust"),
    }


@pytest.mark.parametrize("which", ["ended", "not yet", "soon", "no intermediate", "wrong order", "stranger"])
def test_a_certificate_that_is_not_good_is_one_line(
    told: Callable[..., list[str]], names: list[str], which: str
) -> None:
    leaf, more, says = _pairs(names)[which]
    (text,) = told(leaf.pem + more, leaf.key_pem)
    assert text.startswith(f"tls-mail1.pem: {says}")


def test_one_that_signs_itself_is_refused(told: Callable[..., list[str]], names: list[str]) -> None:
    alone = root("mail1")
    assert any(text.startswith("tls-mail1.pem: signs itself") for text in told(alone.pem, alone.key_pem))


def test_another_key_a_locked_key_and_no_key_are_told_apart(told: Callable[..., list[str]], names: list[str]) -> None:
    leaf = AUTHORITY.sign("mail1", names)
    (another,) = told(leaf.pem, STRANGER.key_pem)
    assert another.startswith("tls-mail1.key: is not the key of the first certificate of tls-mail1.pem")
    (locked,) = told(leaf.pem, key_text(leaf.key, "secret"))
    assert locked.startswith("tls-mail1.key: is locked by a password")
    assert told(leaf.pem, "x") == ["tls-mail1.key: is no private key in PEM"]
    (none,) = told("x", leaf.key_pem)
    assert none.startswith("tls-mail1.pem: is no certificate in PEM; the certificate of mail1 must bear mail1.")


@pytest.mark.parametrize("mode", ["enforce", "testing"])
@pytest.mark.parametrize("tls", [{"source": "internal_ca"}, {"root_certificate": AUTHORITY.pem}, {}])
def test_a_policy_for_senders_is_not_enforced_with_a_private_authority(
    inventory: Path, tls: dict[str, str], mode: str
) -> None:
    edited(inventory / FACTS, lambda facts: facts.update(malleposte_tls=tls, malleposte_mta_sts={"mode": mode}))
    said = [
        one.text() for one in run.check(inventory, online=False).findings if "malleposte_mta_sts.mode" in one.text()
    ]
    assert len(said) == (mode == "enforce" and bool(tls))
    assert all("warning: enforce: senders outside do not trust a private authority" in text for text in said)


@pytest.mark.parametrize(
    ("pattern", "good"),
    [
        ("mail.ac-exemple.test", True),
        ("MAIL.ac-exemple.test", True),
        ("*.ac-exemple.test", True),
        ("*.test", False),
        ("*", False),
        ("m*.ac-exemple.test", False),
        ("ac-exemple.test", False),
    ],
)
def test_a_star_stands_for_the_first_label_alone(pattern: str, good: bool) -> None:
    assert certificates.bears(pattern, "mail.ac-exemple.test") is good
