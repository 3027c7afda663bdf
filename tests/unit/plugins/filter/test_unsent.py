"""The notice of a session that ended while somebody writes: what an answer means, and the words; tried by node."""

import json
import subprocess
from typing import Any

import pytest
from ansible_collections.academie.malleposte.plugins.filter.unsent import unsent_script, unsent_style

PAGE = """
globalThis.window = {addEventListener: () => {}};
const made = () => {
  const one = {dataset: {}, children: [], isConnected: false};
  one.setAttribute = one.addEventListener = () => {};
  one.append = (...more) => one.children.push(...more);
  one.replaceChildren = (...more) => { one.children = more; };
  one.remove = () => { one.isConnected = false; };
  return one;
};
globalThis.document = {documentElement: {lang: LANGUAGE}, createElement: made, addEventListener: () => {}};
globalThis.setInterval = () => 0;
%s
const texts = one => [one.textContent, ...one.children.flatMap(texts)].filter(Boolean);
const told = STEPS.map(([found, sending]) => {
  let notice = made();
  const care = window.mpUnsent.care({put: one => { notice = one; one.isConnected = true; }, login: "/", mail: true});
  care.failed(found, sending);
  return texts(notice);
});
console.log(JSON.stringify({causes: STATUSES.map(window.mpUnsent.cause), told}));
"""


def run(language: str, statuses: list[int], steps: list[tuple[str, bool]]) -> Any:
    """The causes of statuses, and the words of the notice after each failure."""
    script = f"const LANGUAGE = {json.dumps(language)}, STATUSES = {statuses}, STEPS = {json.dumps(steps)};\n"
    script += PAGE.replace("%s", unsent_script(""))
    words = ["node", "--eval", script]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=300, encoding="utf-8")
    return json.loads(done.stdout)


def test_what_an_answer_means() -> None:
    statuses = [200, 401, 403, 413, 429, 500, 502, 503, 504, 0, -1]
    causes = ["", "over", "other", "", "away", "", "unsure", "away", "unsure", "unsure", "unsure"]
    assert run("fr", statuses, [])["causes"] == causes


@pytest.mark.parametrize("language", ["fr", "en"])
def test_each_cause_has_its_words_and_ways(language: str) -> None:
    steps = [(found, sending) for found in ("over", "other", "away", "unsure") for sending in (False, True)]
    told = run(language, [], steps)["told"]
    assert len({lines[0] for lines in told}) == len(steps)
    ways = dict(zip(steps, (len(lines) - 1 for lines in told), strict=True))
    # To log in where the session is over or another's, to send again where that can help, always to copy the text.
    assert ways == {
        ("over", False): 2, ("over", True): 3, ("other", False): 2, ("other", True): 2,
        ("away", False): 1, ("away", True): 2, ("unsure", False): 1, ("unsure", True): 2,
    }  # fmt: skip
    if language == "fr":
        assert told[1][0].startswith("Votre message n’est pas parti\u00a0: votre session est terminée.")
        assert told[1][1:] == ["Se reconnecter", "Renvoyer", "Copier le texte"]


def test_the_look_ends_with_the_places_of_a_page() -> None:
    assert unsent_style("p { margin: 0 }").endswith("}\np { margin: 0 }")
