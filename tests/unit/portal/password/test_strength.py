"""The strength tester: the browser judges by the rules of the policy; its words make passphrases that keep them."""

import json
import math
import re
import subprocess
from typing import Any

import pytest
from malleposte.policy import rules
from malleposte.policy.model import Policy
from malleposte.policy.project import SENTENCE_OF, sentences
from malleposte_portal.core.static_files import FOLDER
from malleposte_portal.password import strength

from tests.support.passwords import OWNER, ROWS

UNTOLD = {"in_history", "refused"}
"""Violations that the directory alone knows."""
JUDGE = """
import { judge } from "file://%s";
const { passwords, owner, limits } = JSON.parse(process.argv[1]);
console.log(JSON.stringify(passwords.map((password) => judge(password, owner, limits))));
"""


def judged(passwords: list[str], policy: Policy, owner: rules.Context) -> list[list[str]]:
    """The codes that the browser's rules give for each password, by node."""
    names = [*owner.names, *(part for one in owner.addresses for part in one.rpartition(".")[0].split("@"))]
    told = {"login": " ".join([owner.login, *owner.aliases]), "names": names}
    given = {"passwords": passwords, "owner": told, "limits": rules.limits(policy)}
    script = JUDGE % FOLDER.joinpath("rules.js")
    words = ["node", "--input-type=module", "--eval", script, json.dumps(given)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=300)
    found: list[list[str]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("policy", [Policy(), Policy(min_length=8, min_special=0, min_digit=2)], ids=["usual", "other"])
def test_the_browser_judges_as_the_policy_does(policy: Policy) -> None:
    """By the table that the policy and slapd are tried with."""
    passwords = [row.password for row in ROWS]
    wanted = [[one.code for one in rules.check(password, OWNER, policy)] for password in passwords]
    assert dict(zip(passwords, judged(passwords, policy, OWNER), strict=True)) == dict(
        zip(passwords, wanted, strict=True)
    )


def test_every_violation_has_a_sentence_to_tick() -> None:
    codes = set(rules.MESSAGES["fr"]) - UNTOLD
    assert set(SENTENCE_OF) == codes
    assert set(SENTENCE_OF.values()) <= set(sentences(Policy()))


@pytest.mark.parametrize(
    ("path", "told"), [("/motdepasse/robustesse", "à deviner"), ("/en/password/strength", "to guess")]
)
def test_the_page_gives_rules_words_and_scripts(visit: Any, path: str, told: str) -> None:
    page = visit.get(path)
    shown = {held["data-rule"]: held for _tag, held in page.elements if "data-rule" in held}
    assert list(shown) == list(sentences(Policy()))
    (source,) = [held["data-source"] for _tag, held in page.elements if "data-source" in held]
    answer = visit.http.get(source, base_url="https://pia.test").json
    assert set(answer["judged"]) <= set(shown)
    assert [one for one in answer["scripts"] if not one.startswith("/assets/")] == []
    assert len(answer["texts"]["levels"]) == 5 and all(told in one for one in answer["texts"]["levels"])
    assert answer["limits"] == json.loads(json.dumps(rules.limits(Policy())))
    assert "%(kept)s" in answer["texts"]["kept"] and "%(all)s" in answer["texts"]["kept"]


@pytest.mark.parametrize("path", ["/motdepasse/robustesse", "/en/password/strength"])
def test_nothing_on_the_page_can_be_sent(visit: Any, path: str) -> None:
    """No form, no field with a name, and no way to post."""
    page = visit.get(path)
    assert page.all("form") == []
    assert [held for held, _text in page.all("input") if "name" in held] == []
    assert visit.http.post(path, base_url="https://pia.test").status_code == 405


def test_a_passphrase_has_enough_words_to_draw_from() -> None:
    assert len(strength.WORDS) == len(set(strength.WORDS))
    assert [word for word in strength.WORDS if not re.fullmatch("[a-z]{4,10}", word)] == []
    # Five words, one of them with a capital, and two digits between.
    assert math.log2(len(strength.WORDS)) * 5 + math.log2(5 * 5 * 90) > 55


@pytest.mark.parametrize("path", ["/motdepasse/changer", "/motdepasse/oublie"])
def test_the_tester_is_beside_every_new_password(visit: Any, path: str) -> None:
    page = visit.get(path)
    assert "/strength.js" in [held["src"] for held, _text in page.all("script")]
    assert len([held for _tag, held in page.elements if held.get("class") == "strength"]) == 1


VERDICT = """
import { commonWords, judge } from "file://%s";
import { verdict } from "file://%s";
const { passwords, limits, texts, score } = JSON.parse(process.argv[1]);
const answer = { score, feedback: { warning: "topTen", suggestions: ["useWords"] } };
console.log(JSON.stringify(passwords.map((password) => {
  const words = commonWords(password, limits);
  return { words, ...verdict(judge(password, { login: "", names: [] }, limits), words, answer, texts) };
})));
"""


def verdicts(passwords: list[str], texts: Any, score: int = 4) -> list[dict[str, Any]]:
    """The verdict of the browser on each password, where the guesser gives that score, by node."""
    given = {"passwords": passwords, "limits": rules.limits(Policy()), "texts": texts, "score": score}
    script = VERDICT % (FOLDER.joinpath("rules.js"), FOLDER.joinpath("verdict.js"))
    words = ["node", "--input-type=module", "--eval", script, json.dumps(given)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=300)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_what_is_refused_is_never_called_hard_to_guess_and_its_common_words_are_named(visit: Any) -> None:
    texts = visit.http.get("/motdepasse/robustesse.json", base_url="https://pia.test").json["texts"]
    refused = [row.password for row in ROWS if rules.check(row.password)]
    assert "Professeur-College-26" in refused
    for password, found in zip(refused, verdicts(refused, texts), strict=True):
        assert (found["level"], found["score"]) == (texts["refused"], 0), password
        assert tuple(found["words"]) == rules.common_words(password), password
        assert all(word in found["advice"] for word in found["words"]), password
    (one,) = verdicts(["Professeur-College-26"], texts)
    assert one["advice"] == "Formé de mots trop courants\u00a0: «\u00a0professeur\u00a0», «\u00a0college\u00a0»."


def test_what_keeps_the_rules_has_one_verdict_by_how_easily_it_is_guessed(visit: Any) -> None:
    texts = visit.http.get("/motdepasse/robustesse.json", base_url="https://pia.test").json["texts"]
    good = "Vieux-Chemin7!x"
    assert rules.check(good) == []
    for score in range(5):
        (found,) = verdicts([good], texts, score)
        assert (found["level"], found["score"]) == (texts["levels"][score], score)
        assert ("devine" in found["advice"] or "mots" in found["advice"]) == (score < 4)


def test_a_new_password_of_common_words_is_refused_with_the_words(visit: Any) -> None:
    word = "Professeur-College-26"
    page = visit.send("/motdepasse/changer", login="mdupond", old="x", new=word, again=word)
    assert visit.last.status_code == 422
    assert "« professeur », « college »" in page.named("new-error")
