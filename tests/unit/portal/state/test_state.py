"""« État de la plateforme »: for whom, what is shown of a document, and what is said where there is none."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from malleposte.accountd.calls.dsi.state import SeeState
from malleposte.accountd.message import ErrorCode, Forbidden
from malleposte.accountd.own import Account
from malleposte.watch.state import table
from malleposte.watch.state.document import Alarm, History, Row, State, decoded, encoded
from malleposte_portal.core.forbidden import SENTENCES
from malleposte_portal.state.shown import TITLES

from tests.support.accountd import Told
from tests.support.portal import ADDRESSES, BOTH

NOW = 1_795_996_800.0
PAGE, AGAIN = ADDRESSES["state"], ADDRESSES["login_again"]
POINTS = tuple(float(number) for number in range(97))
STATE = State(
    "vault", "vault1", NOW,
    (
        Alarm("page", "mail1: the host does not answer <b>", "docs/watch.md#hostdown", NOW - 600),
        Alarm("ticket", "mail1: /srv has 9% free", "docs/watch.md#disklow", NOW - 7200, NOW + 900),
    ),
    {
        "hosts": (Row("mail1", "", 0.0), Row("pia1", "", 1.0)),
        "paths": (Row("", "smtp-in", 1.0), Row("", "imap", 0.0)),
        "probe_last": (Row("", "", NOW - 60),),
        "queues": (Row("mail1", "active", 7200.0), Row("mail1", "hold", 0.0)),
        "disks_free": (Row("mail1", "/srv", 0.09), Row("pia1", "/", 0.5)),
        "disks_days": (Row("mail1", "/srv", 12.0),),
        "backups": (Row("mail1", "vault1/mail", NOW - 7200), Row("pia1", "vault2/portal", 0.0)),
        "restores": (Row("mail1", "", NOW - 86_400),),
        "deliveries_today": (Row("", "", 12_345.0),),
        "acts_today": (Row("", "set_class", 3.0), Row("", "block", 0.2)),
    },
    {name: History(POINTS, (*POINTS[:60], None, *POINTS[61:])) for name in table.HISTORY},
    table.DAY_STEP, table.MONTH_STEP, ("restores: Prometheus does not answer",), ("vault2: timed out",),
)  # fmt: skip

SHOWN = (
    "vault1", "vault2: timed out", "restores: Prometheus does not answer", "mail1: the host does not answer <b>",
    "docs/watch.md#hostdown", "vault2/portal", "set_class", "smtp-in",
)  # fmt: skip


@pytest.fixture
def tells(app: Any, tmp_path: Path) -> Callable[[bytes | None], None]:
    """Has the portal be told this document, or none at all."""

    def told(text: bytes | None) -> None:
        path = tmp_path / "state.json"
        path.unlink(missing_ok=True)
        if text is not None:
            path.write_bytes(text)
        app.extensions["portal"] = replace(app.extensions["portal"], state=str(path))

    return told


@pytest.fixture
def inside(visit: Any, log_in: Any, accountd: Any, tells: Any) -> Any:
    """A person of the DSI, whom accountd lets in; the state is there."""
    accountd.answer = Told("mdupond")
    log_in(visit)
    tells(encoded(STATE))
    return visit


def test_every_question_of_the_table_has_its_words() -> None:
    assert TITLES.keys() == table.HISTORY.keys()


@BOTH
def test_the_page_asks_accountd_and_shows_the_document(inside: Any, another: Any, accountd: Any, language: int) -> None:
    assert another().raw(PAGE[language]).status_code == 303
    assert accountd.asked == []
    page = inside.get(PAGE[language])
    assert inside.last.status_code == 200
    request = accountd.only(SeeState)
    assert (request.uid, request.token.count(".")) == ("mdupond", 2)
    assert accountd.asked == [request]
    for text in SHOWN:
        assert text in page.main, text
    assert "<b>" not in inside.last.text.replace("&lt;b&gt;", "")
    assert ("12,345" if language else "12 345") in page.main
    assert ("9%" if language else "9 %") in page.main
    assert ("in 12 days" if language else "dans 12 jours") in page.main
    assert ("never" if language else "jamais") in page.main
    zone = time.strftime("%Z", time.localtime(STATE.at))
    assert page.main.count(f" ({zone})") >= 4, "each hour names its zone"
    assert "block" not in page.main.split("set_class")[1].split("JSON")[0], "an act that rounds to none"


@BOTH
def test_each_graph_has_a_sentence_and_a_table(inside: Any, language: int) -> None:
    page = inside.get(PAGE[language])
    drawn = page.all("svg")
    assert len(drawn) == 2 * len(TITLES)
    labels = [held["aria-label"] for held, _text in drawn]
    assert len(set(labels)) == len(labels)
    assert all(held["role"] == "img" for held, _text in drawn)
    for label in labels:
        assert " ".join(str(label).split()) in page.main, "the sentence stands below, too"
    captions = [text for _held, text in page.all("caption")]
    assert {" ".join(str(one).split()) for one in labels} <= {" ".join(one.split()) for one in captions}
    assert ("not measured" if language else "non mesuré") in page.main
    assert not page.all("style")
    # One line where all was measured, two where one point is missing.
    assert len(page.all("polyline")) == 3 * len(TITLES)


def test_the_document_is_beside_as_json(inside: Any, accountd: Any, another: Any) -> None:
    answer = inside.raw("/dsi/etat.json")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.headers["Cache-Control"] == "no-store"
    assert decoded(State, answer.data) == STATE
    assert another().raw("/dsi/etat.json").status_code == 303
    accountd.refuse(ErrorCode.FORBIDDEN, message=Forbidden.LATELY)
    refused = inside.raw("/dsi/etat.json")
    assert refused.status_code == 403 and b"vault1" not in refused.data


@BOTH
@pytest.mark.parametrize(
    ("word", "again"), [(Forbidden.DSI, False), (Forbidden.FACTOR, False), (Forbidden.LATELY, True)]
)
def test_a_refusal_shows_nothing_and_says_how_to_prove_again(
    inside: Any, accountd: Any, language: int, word: Forbidden, again: bool
) -> None:
    accountd.refuse(ErrorCode.FORBIDDEN, message=word)
    page = inside.get(PAGE[language])
    assert inside.last.status_code == 403
    assert "vault1" not in inside.last.text
    if not language:
        assert " ".join(SENTENCES[word].split()) in page.main
    (back,) = [one for one in page.links if one.startswith(AGAIN[language])] or [""]
    assert bool(back) is again


def test_proving_again_asks_the_provider_for_the_password_and_leads_back(
    inside: Any, accountd: Any, provider: Any
) -> None:
    accountd.refuse(ErrorCode.FORBIDDEN, message=Forbidden.LATELY)
    (address,) = [one for one in inside.get(PAGE[0]).links if one.startswith(AGAIN[0])]
    sent = inside.raw(address).headers["Location"]
    assert "prompt=login" in sent
    accountd.answer = Told("mdupond")
    back = inside.raw(provider.log_in(sent, "mdupond"))
    assert back.headers["Location"] == PAGE[0]
    inside.get(PAGE[0])
    assert inside.last.status_code == 200
    evil = inside.raw(f"{AGAIN[0]}?vers=https://voleur.test/").headers["Location"]
    assert inside.raw(provider.log_in(evil, "mdupond")).headers["Location"] == "/"


@BOTH
@pytest.mark.parametrize("text", [None, b"", b"{}", encoded(STATE)[:-1]])
def test_where_nothing_tells_the_state_the_page_says_so(
    inside: Any, tells: Any, language: int, text: bytes | None
) -> None:
    tells(text)
    page = inside.get(PAGE[language])
    assert inside.last.status_code == 503
    assert ("not known" if language else "n’est pas connu") in page.main
    assert inside.raw("/dsi/etat.json").status_code == 503


@BOTH
def test_a_host_without_vaults_shows_its_own_and_says_so(inside: Any, tells: Any, language: int) -> None:
    tells(encoded(State("host", "mail1", time.time(), STATE.alarms[:1], {"queues": (Row("mail1", "active", 3.0),)})))
    page = inside.get(PAGE[language])
    assert ("without a history" if language else "sans historique") in page.main
    assert not page.all("svg")
    assert "mail1: the host does not answer" in page.main


@pytest.mark.parametrize(
    ("alarms", "blind", "said"),
    [
        ((), (), "Rien ne sonne."),
        ((), ("queues: away",), "Rien ne sonne, parmi ce qui a pu être regardé."),
        (STATE.alarms[1:], (), "Rien ne sonne."),
        (STATE.alarms[:1], (), "1 alarme appelle quelqu’un maintenant."),
        ((Alarm("ticket", "x", "y", 1.0),) * 2, (), "2 alarmes attendent les heures ouvrées."),
    ],
)
def test_the_first_line_says_what_rings(inside: Any, tells: Any, alarms: Any, blind: Any, said: str) -> None:
    tells(encoded(State("vault", "vault1", NOW, alarms, blind=blind)))
    assert said in inside.get(PAGE[0]).main


def test_an_empty_document_is_a_page(inside: Any, tells: Any) -> None:
    tells(json.dumps({"kind": "vault", "source": "vault1", "at": 0}).encode())
    assert "non mesuré" in inside.get(PAGE[0]).main


def test_the_way_there_is_shown_to_whom_it_is_for(inside: Any, accountd: Any) -> None:
    for is_dsi in (True, False):
        accountd.answer = Told("mdupond", account=Account("Marie", dsi=is_dsi))
        assert (PAGE[0] in inside.get("/compte").links) is is_dsi
