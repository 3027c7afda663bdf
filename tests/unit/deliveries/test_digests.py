"""Words of subjects: small letters without accents, and only as digests."""

import pytest
from malleposte.deliveries import digests


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Réunion d’ÉQUIPE du 12/10", ["reunion", "equipe"]),
        ("Re: Re: convocation convocation", ["convocation"]),
        ("le à du", []),
        ("", []),
        ("<b>jury</b>\x1b[2J\x00 2026", ["jury", "2026"]),
        ("Straße ﬁche", ["strasse", "fiche"]),
    ],
)
def test_words_of_a_subject(text: str, words: list[str]) -> None:
    assert digests.words(text) == words


def test_a_long_subject_has_so_many_words() -> None:
    assert len(digests.words(" ".join(f"mot{number}" for number in range(5000)))) == 20
    assert digests.words("é" * 100_000) == ["e" * 1000]


def test_a_word_is_known_by_its_digest_under_the_key_alone() -> None:
    one, other = digests.keyed(b"a" * 32, "Jury"), digests.keyed(b"b" * 32, "Jury")
    assert one == digests.keyed(b"a" * 32, "JURY !") and one != other
    assert len(one[0]) == 10 and b"jury" not in one[0]
