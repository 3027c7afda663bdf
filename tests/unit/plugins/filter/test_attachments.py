"""The largest sum of the files of a message: it can be carried, and both webmails say the same of it; tried by node."""

import base64
import json
import subprocess
from typing import Any

import pytest
from ansible_collections.academie.malleposte.plugins.filter.attachments import MEGABYTE, attachments_mb, room_script

SERVICE = {"name": "France transfert", "url": "https://francetransfert.numerique.gouv.fr/"}
PAGE = """
globalThis.window = {};
const made = () => {
  const one = {children: [], classes: new Set(), attributes: {}};
  one.setAttribute = (name, value) => { one.attributes[name] = value; };
  one.append = (...more) => one.children.push(...more);
  one.replaceChildren = (...more) => { one.children = more; };
  const classes = one.classes;
  one.classList = {add: name => classes.add(name), toggle: (name, on) => on ? classes.add(name) : classes.delete(name)};
  return one;
};
globalThis.document = {documentElement: {lang: LANGUAGE}, createElement: made};
%s
const MB = 1048576, room = window.mpRoom, told = [];
for (const [used, refused] of [[0], [12.5 * MB], [30 * MB, [{name: "film.mp4", size: 70 * MB}]]]) {
  const box = made();
  room.show(box, used, refused);
  const full = box.classes.has("malleposte-room-full");
  told.push(box.children.map(one => one.textContent || one).join("") + (full ? "!" : ""));
}
const link = made();
room.show(link, 0);
const fits = [room.fits(30 * MB, [{size: 4 * MB}]), room.fits(30 * MB, [{size: 4 * MB + 1}])];
const sizes = [0, 900, 1536, 9.96 * MB, 34.7 * MB].map(room.size);
console.log(JSON.stringify({told, fits, sizes, href: (link.children.find(one => one.href) || {}).href || ""}));
"""


def run(language: str, service: dict[str, str]) -> Any:
    """The words for no file, for some, and for one that is too large; what fits; sizes."""
    script = f"const LANGUAGE = {json.dumps(language)};\n" + PAGE.replace("%s", room_script("", 34, service))
    words = ["node", "--eval", script]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=300, encoding="utf-8")
    return json.loads(done.stdout)


@pytest.mark.parametrize("whole", [3, 10, 25, 50, 100])
def test_a_message_of_the_largest_size_carries_the_figure(whole: int) -> None:
    files = attachments_mb(whole) * MEGABYTE
    sample = base64.encodebytes(b"x" * 57 * 1000).replace(b"\n", b"\r\n")
    coded = files * len(sample) // 57_000
    assert coded + MEGABYTE // 10 <= whole * MEGABYTE, "its text has room"
    assert coded + 3 * 1.4 * MEGABYTE + whole * MEGABYTE // 20 > whole * MEGABYTE, "hardly more would have"


def test_the_figure_of_the_default() -> None:
    assert attachments_mb(50) == 34


def test_both_languages_say_what_is_left_and_what_is_refused() -> None:
    french, english = run("fr", SERVICE), run("en", SERVICE)
    way = " Pour un fichier plus gros, utilisez France transfert."
    assert french["told"] == [
        "Pièces jointes\u00a0: 34\u00a0Mo au plus pour un message." + way,
        "Pièces jointes\u00a0: 12\u00a0Mo. Il reste 21\u00a0Mo sur 34\u00a0Mo." + way,
        "«\u00a0film.mp4\u00a0» (70\u00a0Mo) n’est pas joint\u00a0: il reste 4\u00a0Mo dans ce message." + way + "!",
    ]
    assert english["told"][2].startswith("“film.mp4” (70\u00a0MB) is not attached: 4\u00a0MB left")
    assert french["fits"] == english["fits"] == [True, False]
    assert french["sizes"] == ["0\u00a0o", "900\u00a0o", "1,5\u00a0Ko", "9,9\u00a0Mo", "34\u00a0Mo"]
    assert french["href"] == SERVICE["url"]


def test_without_a_service_none_is_named() -> None:
    found = run("fr", {})
    assert "plus gros" not in "".join(found["told"]) and found["href"] == ""
