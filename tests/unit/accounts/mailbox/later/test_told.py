"""The messages that wait in « À envoyer », as a copy of the own data tells them."""

from malleposte.accounts.mailbox.later.model import Shown, Waiting, told


def test_what_waits_is_told_with_its_hour_and_what_does_not_go_without() -> None:
    there = Shown(
        messages=(
            Waiting("À envoyer/Demain 8 h", "Sortie", "a", 1773471600.0),
            Waiting("À envoyer/Lundi 8 h", "Refusé", "b", 1773471600.0, "refused", "550"),
            Waiting("À envoyer/Lundi 8 h", "Sans ordre"),
        )
    )
    assert told(there) == [
        {"dossier": "À envoyer/Demain 8 h", "objet": "Sortie", "part le": "2026-03-14T07:00:00+00:00"},
        {"dossier": "À envoyer/Lundi 8 h", "objet": "Refusé", "part le": ""},
        {"dossier": "À envoyer/Lundi 8 h", "objet": "Sans ordre", "part le": ""},
    ]
    assert told(Shown()) == []
