"""The bar of notices on other sites than the portal: its titles are the portal's, texts no markup; tried by node."""

import json
import os
import subprocess
import time
from datetime import datetime, timedelta
from typing import Any

import flask
import pytest
from ansible_collections.academie.malleposte.plugins.filter.notices import notices_script, notices_style
from malleposte.front import notices
from malleposte_portal.core.languages import catalogues
from malleposte_portal.front import services

ADDRESS = "https://pia.ac-exemple.test/annonces.json"
PAGE = """
const listeners = {}, timers = [], asked = [], placed = [];
const made = kind => {
  const one = {kind, dataset: {}, children: [], attributes: {}, isConnected: false};
  one.setAttribute = (name, value) => { one.attributes[name] = value; };
  one.addEventListener = (name, act) => { one[name] = act; };
  one.append = (...more) => one.children.push(...more);
  one.remove = () => { one.isConnected = false; };
  one.replaceChildren = (...more) => { one.children = more; };
  return one;
};
const store = {};
globalThis.window = globalThis;
globalThis.addEventListener = (name, act) => { listeners[name] = act; };
globalThis.localStorage = {getItem: name => store[name] ?? null, setItem: (name, value) => { store[name] = value; }};
globalThis.document = {documentElement: {lang: LANGUAGE}, createElement: made, readyState: "loading"};
document.visibilityState = "visible";
let measured = 0;
globalThis.dispatchEvent = event => { measured += event.type === "resize" ? 1 : 0; };
globalThis.setInterval = act => timers.push(act);
globalThis.setTimeout = act => act();
globalThis.fetch = (address, options) => { asked.push([address, options]); return ANSWERS.shift()(); };
const headers = date => ({get: () => date}), later = async () => { for (let turn = 0; turn < 20; turn++) await null; };
const answer = (found, date) => async () => ({ok: true, json: async () => found, headers: headers(date)});
const inside = one => [one.textContent, ...one.children.flatMap(texts)].filter(Boolean);
const texts = one => typeof one === "string" ? [one] : inside(one);
%s
"""


def node(script: str, language: str = "fr") -> Any:
    """Return the JSON that a script prints, after that of the bar, in Paris."""
    whole = f"const LANGUAGE = {json.dumps(language)};\n" + PAGE.replace("%s", notices_script("", "")) + script
    done = subprocess.run(
        ["node", "--input-type=module", "--eval", whole],
        capture_output=True, text=True, check=True, timeout=300, encoding="utf-8",
        env={**os.environ, "TZ": "Europe/Paris"},
    )  # fmt: skip
    return json.loads(done.stdout)


NOW = datetime.fromisoformat("2026-11-28T10:00:00+01:00")
HOURS = ((-1, 2), (-30, 1.5), (1, 3), (1, 30), (20, 22), (30, 60), (-1, 26.25))
"""Beginnings and ends, in hours from now: within the day, over its end, on another."""


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_titles_are_those_of_the_portal(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [
        notices.Notice(kind, NOW + timedelta(hours=start), NOW + timedelta(hours=end), {"fr": "Texte"})
        for kind in notices.KINDS
        for start, end in HOURS
    ]
    monkeypatch.setattr(services, "now", NOW.astimezone)
    monkeypatch.setenv("TZ", "Europe/Paris")
    time.tzset()
    try:
        with flask.Flask("titles").app_context():
            flask.g.language, flask.g.catalogue = language, catalogues(strict=True)[language]
            expected = [services.title(one) for one in made]
    finally:
        monkeypatch.undo()
        time.tzset()
    rows = json.dumps([one.as_dict() for one in made])
    script = f"""
    const now = new Date({json.dumps(NOW.isoformat())});
    console.log(JSON.stringify({rows}.map(one => mpNotices.title(one, LANGUAGE, now))));
    """
    assert node(script, language) == expected
    assert len(set(expected)) == 2 * len(HOURS) + 1
    if language == "fr":
        assert "Maintenance en cours, jusqu’à 12\u00a0h" in expected
        assert "Maintenance prévue le 29/11 à 16\u00a0h, jusqu’au 30/11 à 22\u00a0h" in expected


def test_what_is_shown_and_in_which_order_is_as_in_the_portal() -> None:
    made = [
        notices.Notice("incident", NOW + timedelta(hours=start), NOW + timedelta(hours=end), {"fr": f"{start} {end}"})
        for start, end in ((-3, -1), (5, 6), (-1, 1), (2, 9), (-2, 1))
    ]
    script = f"""
    const now = new Date({json.dumps(NOW.isoformat())});
    const shown = mpNotices.shown({json.dumps([one.as_dict() for one in made])}, now);
    console.log(JSON.stringify(shown.map(one => one.texts.fr)));
    """
    assert node(script) == [one.texts["fr"] for one in notices.shown(made, NOW)]


ONE = {
    "id": "3f9a01c2", "kind": "incident", "start": "2026-11-28T09:00:00+01:00", "end": "2026-11-28T12:00:00+01:00",
    "texts": {"fr": "<img src=x onerror=alert(1)> en panne", "en": "Down"},
}  # fmt: skip
DATE = "Sat, 28 Nov 2026 09:00:00 GMT"
WATCH = """
const put = bar => { bar.isConnected = true; placed.push(bar); };
mpNotices.watch("%s", put);
""".replace("%s", ADDRESS)


def test_a_bar_asks_after_the_page_and_shows_texts_as_texts() -> None:
    script = f"""
    const ANSWERS = globalThis.ANSWERS = [answer([{json.dumps(ONE)}], {json.dumps(DATE)})];
    {WATCH}
    const before = asked.length;
    listeners.load();
    await later();
    const [address, options] = asked[0];
    console.log(JSON.stringify({{before, address, credentials: options.credentials, referrer: options.referrerPolicy,
      bars: placed.length, label: placed[0].attributes["aria-label"], texts: texts(placed[0])}}));
    """
    told = node(script)
    # The clock of the portal counts, however far off the browser's is.
    assert told == {
        "before": 0, "address": ADDRESS, "credentials": "omit", "referrer": "no-referrer", "bars": 1,
        "label": "Annonces",
        "texts": ["Incident en cours, jusqu’à 12\u00a0h", " <img src=x onerror=alert(1)> en panne", "Masquer"],
    }  # fmt: skip
    english = node(script, "en")
    assert (english["label"], english["texts"]) == (
        "Notices", ["Incident under way, until 12:00", " Down", "Hide"],
    )  # fmt: skip


@pytest.mark.parametrize(
    "answer",
    [
        "() => Promise.reject(new TypeError('away'))",
        "() => Promise.resolve({ok: false, status: 503})",
        "async () => ({ok: true, json: () => Promise.reject(new SyntaxError('<html>')), headers: headers(null)})",
        "answer([], null)",
    ],
)
def test_a_portal_that_is_away_shows_nothing(answer: str) -> None:
    script = f"""
    const ANSWERS = globalThis.ANSWERS = [{answer}];
    {WATCH}
    listeners.load();
    await later();
    console.log(JSON.stringify([asked.length, placed.length]));
    """
    assert node(script) == [1, 0]


def test_one_that_is_hidden_stays_hidden_and_another_is_shown() -> None:
    other = ONE | {"id": "00000002", "texts": {"fr": "Autre"}}
    script = f"""
    const ANSWERS = globalThis.ANSWERS = [answer([{json.dumps(ONE)}], {json.dumps(DATE)}),
      answer([{json.dumps(ONE)}, {json.dumps(other)}], {json.dumps(DATE)}), answer([], {json.dumps(DATE)})];
    {WATCH}
    listeners.load();
    await later();
    placed[0].children[0].children[1].click();
    const states = [[placed[0].isConnected, store["mp-notices-hidden"]]];
    timers[1]();
    await later();
    states.push([placed[0].isConnected, texts(placed[0]).slice(0, 2)]);
    timers[1]();
    await later();
    states.push([placed[0].isConnected, store["mp-notices-hidden"]], measured);
    console.log(JSON.stringify(states));
    """
    assert node(script) == [
        [False, '["3f9a01c2"]'],
        [True, ["Incident en cours, jusqu’à 12\u00a0h", " Autre"]],
        [False, "[]"],
        4,
    ]


def test_a_page_gives_its_place_and_the_wiring_the_address() -> None:
    script = notices_script("window.mpNotices.watch(address, put);\n", ADDRESS)
    assert script.endswith(f'(function (address) {{\nwindow.mpNotices.watch(address, put);\n}})("{ADDRESS}");\n')
    asked, returned = node(
        "const kind = typeof mpNotices.watch('', put => 0); console.log(JSON.stringify([timers.length, kind]));"
    )
    assert (asked, returned) == (0, "function"), "a page without an address asks for nothing"
    assert notices_style("p { margin: 0 }").endswith("}\np { margin: 0 }")
