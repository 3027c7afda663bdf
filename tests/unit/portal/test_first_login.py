"""« Activer mon compte », page by page, with accountd and a directory in memory behind the pages."""

import re
from pathlib import Path
from typing import Any

import pytest
from malleposte.accountd import client, codec
from malleposte.accountd.call import OF
from malleposte.accountd.message import Done, Refused, Request
from malleposte.accounts.credentials.enrolment import Asked, Rules
from malleposte.directory.model import State
from malleposte.throttle.limits import Limits, Rate, Rates
from malleposte_portal import create_app
from malleposte_portal.core.settings import Settings

from tests.support.page import Page
from tests.unit.accountd.test_enrolment import Desk, texted
from tests.unit.accountd.test_service import NEW, NUMEN, OTHER_NUMEN
from tests.unit.portal.conftest import SUPPORT, TILES, Visitor

ADDRESS = "marie@exemple.test"
WRONG = "Ces informations ne permettent pas de vous reconnaître"


class Behind(Desk):
    """accountd as the portal's client finds it, without a socket."""

    def call(self, request: Request) -> Done:
        answer = codec.decode_answer(
            OF[type(request)].answer, codec.encode_answer(self.ask(codec.decode(codec.encode(request))))
        )
        if isinstance(answer, Refused):
            raise client.RefusedError(answer)
        return answer


@pytest.fixture
def behind(tmp_path: Path) -> Behind:
    made = Behind(tmp_path)
    made.settle(limits=Limits(Rates(account=Rate(1000, 60), questions=Rate(1000, 60))))
    return made


@pytest.fixture
def site(behind: Behind) -> Any:
    settings = Settings(
        "Académie d’Exemple", SUPPORT, TILES, charter={"text": "Un.\n\nDeux.", "url": "https://x.test/"}
    )
    return create_app(settings, behind, b"k" * 32, testing=True)


@pytest.fixture
def agent(site: Any) -> Visitor:
    return Visitor(site.test_client())


def begin(agent: Visitor, code: str, numen: str = NUMEN, language: str = "") -> Page:
    return agent.send(f"/{language}activate" if language else "/activer", numen=numen, code=code)


def test_from_two_secrets_to_an_active_account(agent: Visitor, behind: Behind) -> None:
    code = behind.pending()
    page = begin(agent, code)
    assert (agent.last.request.path, page.heading) == ("/activer/etape", "Votre téléphone")
    shown = page.main
    for known in ("Marie Dupond", "mdupond", "mdupond@ac-exemple.test"):
        assert known in shown
    page = agent.send("/activer/etape", step="phone", value="06 12 34 56 78")
    assert (page.heading, "+33612345678" in page.main) == ("Vérifier votre téléphone", True)
    assert agent.send("/activer/etape", step="phone_code", value=texted(behind)).heading == "Votre adresse de secours"
    page = agent.send("/activer/etape", step="mail", value=ADDRESS)
    assert (page.heading, ADDRESS in page.main) == ("Vérifier votre adresse de secours", True)
    page = agent.send("/activer/etape", step="confirm", value=behind.confirmations[0][1].shown)
    assert page.heading == "La charte"
    assert [text for _held, text in page.all("p") if text in ("Un.", "Deux.")] == ["Un.", "Deux."]
    assert agent.send("/activer/etape", step="charter", value="y").heading == "Votre mot de passe"
    page = agent.send("/activer/etape", step="password", new=NEW, again=NEW)
    assert (agent.last.request.path, page.heading) == ("/fait", "Votre compte est activé")
    assert "mdupond" in page.main
    assert behind.opens("mdupond", NEW)
    assert behind.held("mdupond", "mpRecoveryMail") == [ADDRESS]
    assert behind.held("mdupond", "mpRecoveryPhone") == ["+33612345678"]
    assert behind.held("mdupond", "mpCharter")
    assert len(behind.letters) == 1
    assert agent.get("/activer").heading == "Activer mon compte"
    assert agent.http.get("/activer/etape", base_url="https://pia.test").status_code == 303


def focused(page: Page) -> list[str]:
    """The elements that take the focus, by id, in the order of the page; the first takes it."""
    return [str(held["id"]) for _tag, held in page.elements if "autofocus" in held]


def test_each_page_says_how_far_it_is_and_its_field_has_the_focus(agent: Visitor, behind: Behind) -> None:
    code = behind.pending()
    assert focused(agent.get("/activer")) == ["numen"]
    begin(agent, code)
    seen = []
    for step, sent in (
        ("phone", {"skip": "1"}),
        ("mail", {"value": ADDRESS}),
        ("confirm", {}),
        ("charter", {"value": "y"}),
    ):
        page = agent.get("/activer/etape")
        assert focused(page) == ([] if step == "charter" else ["value"]), step
        (steps,) = [held for _tag, held in page.elements if held.get("class") == "fr-stepper__steps"]
        seen.append((steps["data-fr-current-step"], steps["data-fr-steps"]))
        value = {"value": behind.confirmations[0][1].code} if step == "confirm" else sent
        agent.send("/activer/etape", step=step, **value)
    assert seen == [("1", "4"), ("2", "4"), ("2", "4"), ("3", "4")], "a code belongs to its address"
    page = agent.get("/activer/etape")
    assert focused(page) == ["new"] and "Étape 4 sur 4 Activer mon compte" in page.main
    assert "Étape suivante" not in page.main
    page = agent.send("/activer/etape", step="password", new="éèà", again="éèà")
    assert focused(page) == ["errors"], "what is wrong is read first"
    assert "ni accent" in page.named("new-error")


def test_a_phone_offers_the_code_that_it_has_received(agent: Visitor, behind: Behind) -> None:
    begin(agent, behind.pending())
    agent.send("/activer/etape", step="phone", skip="1")
    page = agent.send("/activer/etape", step="mail", value=ADDRESS)
    (field,) = [held for held, _text in page.all("input") if held.get("id") == "value"]
    assert field["autocomplete"] == "one-time-code"


def test_a_number_may_be_another_one_or_none(agent: Visitor, behind: Behind) -> None:
    begin(agent, behind.pending())
    agent.send("/activer/etape", step="phone", value="0612345678")
    page = agent.send("/activer/etape", step="phone_code", value="3" * 10)
    assert (agent.last.status_code, bool(page.named("value-error"))) == (422, True)
    page = agent.send("/activer/etape", step="phone_code", again="1")
    assert [number for number, _text in behind.gateway.sent] == ["+33612345678"] * 2
    assert "?step=phone" in str(page.links)
    agent.send("/activer/etape?step=phone", step="phone", value="0698765432")
    assert behind.gateway.sent[-1][0] == "+33698765432"
    assert agent.send("/activer/etape", step="phone_code", skip="1").heading == "Votre adresse de secours"
    assert behind.gateway.sent[-1][0] == "+33698765432"


def test_in_english_with_every_step_that_may_be_skipped(agent: Visitor, behind: Behind) -> None:
    page = agent.send("/en/activate", numen=NUMEN, code=behind.pending())
    for name, wanted in (("phone", "Your recovery address"), ("mail", "The charter")):
        page = agent.send("/en/activate/step", step=name, skip="1")
        assert page.heading == wanted
    agent.send("/en/activate/step", step="charter", value="y")
    page = agent.send("/en/activate/step", step="password", new=NEW, again=NEW)
    assert agent.last.request.path == "/en/done"
    assert behind.held("mdupond", "mpState") == ["active"]


def test_another_browser_goes_on_where_the_first_was_lost(agent: Visitor, site: Any, behind: Behind) -> None:
    code = behind.pending()
    begin(agent, code)
    agent.send("/activer/etape", step="phone", value="0612345678")
    agent.send("/activer/etape", step="phone_code", value=texted(behind))
    agent.send("/activer/etape", step="mail", value=ADDRESS)
    other = Visitor(site.test_client())
    assert begin(other, code).heading == "Vérifier votre adresse de secours"
    page = other.send("/activer/etape", step="confirm", value=behind.confirmations[0][1].code)
    assert page.heading == "La charte"


def test_the_cookie_holds_nothing_of_the_agent(agent: Visitor, site: Any, behind: Behind) -> None:
    begin(agent, behind.pending())
    agent.send("/activer/etape", step="phone", value="0612345678")
    agent.send("/activer/etape", step="phone_code", value=texted(behind))
    agent.send("/activer/etape", step="mail", value=ADDRESS)
    with agent.http.session_transaction(base_url="https://pia.test") as held:
        text = repr(dict(held))
    for secret in (NUMEN, "612345678", ADDRESS, "Marie", "Dupond", behind.confirmations[0][1].code):
        assert secret not in text


def test_an_address_may_be_another_one(agent: Visitor, behind: Behind) -> None:
    begin(agent, behind.pending())
    agent.send("/activer/etape", step="phone", skip="1")
    agent.send("/activer/etape", step="mail", value="faux@exemple.test")
    page = agent.send("/activer/etape", step="confirm", again="1")
    assert [where for where, _code in behind.confirmations] == ["faux@exemple.test"] * 2
    assert "?step=mail" in str(page.links)
    assert agent.get("/activer/etape?step=mail").heading == "Votre adresse de secours"
    page = agent.send("/activer/etape", step="mail", value=ADDRESS)
    assert ADDRESS in page.main
    assert agent.send("/activer/etape", step="confirm", value=behind.confirmations[2][1].code).heading == "La charte"


@pytest.mark.parametrize(
    ("step", "value"),
    [
        ("phone", "12"),
        ("phone", ""),
        ("mail", "x"),
        ("mail", "a@ac-exemple.test"),
        ("mail", ""),
        ("confirm", "3333333333"),
    ],
)
def test_a_wrong_answer_is_told_at_its_field(agent: Visitor, behind: Behind, step: str, value: str) -> None:
    begin(agent, behind.pending())
    if step == "confirm":
        agent.send("/activer/etape", step="mail", value=ADDRESS)
    page = agent.send(f"/activer/etape?step={step}", step=step, value=value)
    assert agent.last.status_code == 422
    assert page.named("value-error")
    assert page.all("title")[0][1].startswith("Erreur")


def test_the_charter_is_needed(agent: Visitor, behind: Behind) -> None:
    begin(agent, behind.pending())
    for name in ("phone", "mail"):
        agent.send("/activer/etape", step=name, skip="1")
    page = agent.send("/activer/etape", step="charter")
    assert (agent.last.status_code, bool(page.named("value-error"))) == (422, True)
    agent.send("/activer/etape", step="password", new=NEW, again=NEW)
    assert behind.held("mdupond", "mpState") == ["pending"]


def test_a_step_that_the_academy_demands_cannot_be_skipped(agent: Visitor, behind: Behind) -> None:
    behind.settle(activation=Rules(Asked.OFF, Asked.REQUIRED, Asked.OFF))
    page = begin(agent, behind.pending())
    assert page.heading == "Votre adresse de secours"
    assert not [held for held, _text in page.all("button") if held.get("name") == "skip"]
    agent.send("/activer/etape", step="mail", skip="1")
    assert agent.last.status_code == 422


def test_a_weak_password_spends_nothing(agent: Visitor, behind: Behind) -> None:
    behind.settle(activation=Rules(Asked.OFF, Asked.OFF, Asked.OFF))
    code = behind.pending()
    begin(agent, code)
    for weak in ("court", "Marie-Dupond-4-Lampe"):
        page = agent.send("/activer/etape", step="password", new=weak, again=weak)
        assert (agent.last.status_code, bool(page.named("new-error"))) == (422, True)
    page = agent.get("/activer/etape")
    words = {held.get("value") for held, _text in page.all("data")}
    assert words == {"mdupond", "Marie", "Dupond"}, "the tester knows the names"
    assert agent.send("/activer/etape", step="password", new=NEW, again=NEW).heading == "Votre compte est activé"


@pytest.mark.parametrize("change", ["wrong code", "unknown", "spent", "suspended"])
def test_every_failure_of_the_two_secrets_is_one_page(agent: Visitor, site: Any, behind: Behind, change: str) -> None:
    code = behind.pending()
    numen = NUMEN
    if change == "wrong code":
        code = "3" * 10
    elif change == "unknown":
        numen = OTHER_NUMEN
    elif change == "spent":
        behind.directory.modify(f"uid=mdupond,ou=people,{behind.directory.suffix}", {"mpInaCode": []})
    else:
        behind.directory.modify(f"uid=mdupond,ou=people,{behind.directory.suffix}", {"mpState": ["suspended"]})
    page = begin(agent, code, numen)
    reference = Visitor(site.test_client())
    begin(reference, "7" * 10, "01E9599999ABC")
    assert (agent.last.status_code, page.named("errors").count(WRONG)) == (403, 1)

    def bare(answer: Any) -> tuple[Any, ...]:
        # Typed answers come back; tokens and questions differ with every page.
        text = re.sub(r'value="[^"]*"', "", answer.text)
        return re.sub(r"<legend.*?</legend>", "", text), sorted(answer.headers.keys()), answer.status_code

    assert bare(agent.last) == bare(reference.last)


def test_an_old_ticket_leads_back_and_loses_nothing(agent: Visitor, behind: Behind) -> None:
    code = behind.pending()
    begin(agent, code)
    agent.send("/activer/etape", step="phone", value="0612345678")
    agent.send("/activer/etape", step="phone_code", value=texted(behind))
    with agent.http.session_transaction(base_url="https://pia.test") as held:
        held["ticket"] = "20200101000000Z.mdupond.k1:x"
    answer = agent.http.get("/activer/etape", base_url="https://pia.test")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/activer")
    assert "reprendrez où vous en étiez" in agent.get("/activer").main
    assert "reprendrez où vous en étiez" not in agent.get("/activer").main
    assert begin(agent, code).heading == "Votre adresse de secours"


def test_an_active_account_chooses_its_password_only(agent: Visitor, behind: Behind) -> None:
    behind.agent("mdupond", State.ACTIVE)
    page = begin(agent, behind.code("mdupond"))
    assert page.heading == "Votre mot de passe"
    assert agent.get("/activer/etape?step=mail").heading == "Votre mot de passe"
    page = agent.send("/activer/etape", step="password", new=NEW, again=NEW)
    assert page.heading == "Votre mot de passe est changé"


def test_too_many_and_an_accountd_that_is_away(agent: Visitor, behind: Behind) -> None:
    begin(agent, behind.pending())
    agent.send("/activer/etape", step="phone", skip="1")
    behind.settle(limits=Limits(Rates(day_target=Rate(0, 86_400))))
    agent.send("/activer/etape", step="mail", value=ADDRESS)
    assert agent.last.status_code == 429
    behind.away = True
    page = agent.get("/activer/etape")
    assert (agent.last.status_code, page.heading) == (503, "Activer mon compte")


def test_the_letter_says_what_the_page_says() -> None:
    """An agent reads a choice of the portal, NUMEN and code INA on paper, and finds these very words in English too."""
    from malleposte.accounts.print import page
    from malleposte.core.paths import ROOT

    portal = ROOT / "portal/malleposte_portal"
    pages = "".join(path.read_text("utf-8") for path in sorted(portal.glob("**/*.html")))
    for purpose in (page.ACTIVATION, page.RESET):
        assert f'_("{purpose.choice}")' in pages
        assert f'msgid "{purpose.choice}"\nmsgstr "{purpose.choice_en}"\n' in (portal / "translations/en.po").read_text(
            "utf-8"
        )
    letter = Path(page.__file__).read_text("utf-8")
    for words in ("NUMEN", "code INA", "mot de passe"):
        assert words in letter
        assert words in pages
    guide = (ROOT / "docs/fr/guide/premiere-connexion.md").read_text("utf-8")
    pages += (ROOT / "roles/lemonldap/files/skin/fr.json").read_text("utf-8")
    for words in re.findall(r"«[\u00a0\u202f]([^»]*)[\u00a0\u202f]»", guide):
        assert words in pages, words
