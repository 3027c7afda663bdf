"""The sentences for what a help desk, the DSI, or an agent, may not do, by accountd's word."""

from __future__ import annotations

from collections.abc import Mapping

from malleposte.accountd.message import Forbidden

from malleposte_portal.core.languages import translate as _

SENTENCES: Mapping[str, str] = {
    Forbidden.ROLE: "Cette page est réservée à l’assistance.",
    Forbidden.FACTOR: (
        "Cette page demande un second facteur. Déconnectez-vous, puis reconnectez-vous avec votre application de "
        "codes, votre clé de sécurité ou votre clé d’accès."
    ),
    Forbidden.DSI: "Cette page est réservée à la DSI.",
    Forbidden.LATELY: (
        "Cette page demande un second facteur montré depuis moins d’une demi-heure. Connectez-vous de nouveau."
    ),
    Forbidden.REACH: "Aucun agent ni établissement de votre périmètre ne correspond.",
    Forbidden.ONESELF: "Vous ne pouvez pas agir sur votre propre compte. Adressez-vous à un collègue ou à la DSI.",
    Forbidden.PROTECTED: "Ce compte a un rôle particulier. Seule la DSI peut agir.",
    Forbidden.CAP: "Le nombre d’opérations permises aujourd’hui est atteint. Adressez-vous à la DSI.",
    Forbidden.ALOUD: "Dans cette académie, aucun code n’est lu au téléphone.",
    Forbidden.CALL_BACK: "Rappelez d’abord l’agent à un numéro connu de l’académie.",
    Forbidden.NUMEN: "Ce compte n’a pas de NUMEN. Un code n’ouvrirait rien : adressez-vous à la DSI.",
    Forbidden.MEANS: "L’agent n’a pas de moyen de secours pour cet envoi.",
    Forbidden.STATE: "L’état de ce compte ne le permet pas.",
    Forbidden.OFFICE: (
        "Vous ne pouvez pas convoquer ici. La DSI en donne le droit, pour une boîte que vous ouvrez et qui convoque."
    ),
    Forbidden.COPY_TODAY: "Une seule demande par jour : réessayez demain.",
    Forbidden.COPY_ROOM: "La place manque en ce moment. Réessayez demain, ou demandez la copie à l’assistance.",
}


def sentence(word: str) -> str:
    """The sentence of a word, in the language of the page."""
    return _(SENTENCES.get(word, SENTENCES[Forbidden.ROLE]))
