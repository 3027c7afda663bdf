"""SOGo's searches for people: in either order of the words, with the school's name; tried by node."""

import json
import subprocess
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).resolve().parents[3] / "roles" / "sogo" / "files" / "recipients.js"
PAGE = """
const blocks = {config: [], run: []}, asked = [];
class Resource {
  async fetch(folder, action, words) { asked.push(words.search); return ANSWERS[words.search] || {}; }
  async post(folder, action, words) { asked.push(words.value); return ANSWERS[words.value] || {ids: []}; }
}
class Card {
  $fullname() { return "Marie Dupond" + (this.contactinfo ? " (" + this.contactinfo + ")" : ""); }
  $preferredEmail() { return "marie.dupond@ac-exemple.test"; }
  $shortFormat() { return this.$fullname() + "  <" + this.$preferredEmail() + ">"; }
}
const injector = {has: () => true, get: name => ({Resource: () => new Resource(), Card})[name]};
const q = {all: list => Promise.all(list), when: one => Promise.resolve(one)};
globalThis.angular = {
  extend: Object.assign,
  module: () => ({config: one => blocks.config.push(one), run: one => blocks.run.push(one)})
};
globalThis.fetch = async () => ({ok: true, json: async () => ({"0450001a": "Collège Jean-Moulin"})});
%s
for (const one of blocks.run) one[one.length - 1](injector, q);
const interceptors = [];
for (const one of blocks.config) one[one.length - 1]({interceptors});
const read = interceptors[0][1](q).response;
(async () => {
  const resource = new Resource(), found = {};
  for (const text of TEXTS) {
    found[text] = (await resource.fetch(null, "allContactSearch", {search: text})).contacts || [];
  }
  const searches = asked.splice(0);
  const view = (await resource.post("annuaire", "view", {value: "Dupond Marie"})).ids;
  const people = [{contactInfo: "0450001A"}, {contactInfo: "0459999Z"}, {contactInfo: "Proviseur"}];
  const answer = {config: {url: "/SOGo/so/x/Contacts/allContactSearch?search=m"}, data: {contacts: people}};
  await read(answer);
  const card = Object.assign(new Card(), {contactinfo: "Collège Jean-Moulin"});
  console.log(JSON.stringify({
    found, searches, view, schools: people.map(one => one.contactInfo),
    shown: card.$shortFormat("mar"), written: card.$shortFormat()
  }));
})();
"""


def run(texts: list[str], answers: dict[str, Any]) -> Any:
    """The answers to searches, the questions to SOGo, the page of a book, the schools, a name as listed and written."""
    script = f"const TEXTS = {json.dumps(texts)}, ANSWERS = {json.dumps(answers)};\n"
    script += PAGE.replace("%s", SCRIPT.read_text("utf-8"))
    words = ["node", "--eval", script]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=300, encoding="utf-8")
    return json.loads(done.stdout)


def test_people_are_found_in_either_order_with_their_school() -> None:
    marie, other = {"id": "marie.dupond", "sourceid": "annuaire"}, {"id": "dupond.marie", "sourceid": "annuaire"}
    answers = {
        "Dupond Marie": {"contacts": [other]}, "Marie*Dupond": {"contacts": [marie, other], "ids": ["marie.dupond"]},
        "Dupond": {"contacts": [marie, other]},
    }  # fmt: skip
    told = run(["Dupond", "Dupond Marie", "Dupond Marie Claire", "marie dupond@ac-exemple.test"], answers)
    assert told["found"]["Dupond"] == [marie, other]
    assert told["found"]["Dupond Marie"] == [other, marie], "each once, the words as they stand first"
    assert told["searches"] == [
        "Dupond", "Dupond Marie", "Marie*Dupond",
        "Dupond Marie Claire", "Claire*Dupond Marie", "Marie Claire*Dupond", "marie dupond@ac-exemple.test",
    ]  # fmt: skip
    assert told["view"] == ["marie.dupond"]
    assert told["schools"] == ["Collège Jean-Moulin", "0459999Z", "Proviseur"]
    assert "(Collège Jean-Moulin)" in told["shown"]
    assert told["written"] == "Marie Dupond <marie.dupond@ac-exemple.test>"
