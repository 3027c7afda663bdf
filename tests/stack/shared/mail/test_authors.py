"""Fields of authors that programs read differently are refused where one names us: a corpus, hostile and honest."""

import json
import random
import re
from pathlib import Path

import pytest

from tests.stack.support.mail import FOREIGN, token
from tests.stack.support.scans import verdicts

OURS = "ac-exemple.test"
CORPUS: dict[str, list[str]] = json.loads(
    Path(__file__).parents[2].joinpath("support/data/authors.json").read_text("utf-8")
)
VICTIM = f"jerome.saint-exupere@{OURS}"


def message(head: str, subject: str = "essai") -> str:
    """A message of a stranger under whole header lines."""
    lines = head.replace("\n", "\r\n")
    return (
        f"{lines}\r\nTo: probe1@{OURS}\r\nSubject: {subject}\r\nMessage-ID: <{token()}@{FOREIGN}>\r\n"
        "Date: Mon, 02 Mar 2026 10:00:00 +0100\r\n\r\nBonjour.\r\n"
    )


def test_the_corpus_is_large_enough():
    assert all(len(heads) >= 60 for heads in CORPUS.values()), {name: len(heads) for name, heads in CORPUS.items()}


def test_every_hostile_head_is_refused_and_no_honest_one(site):
    found = {
        kind: [
            head
            for head, verdict in zip(heads, verdicts(site, map(message, heads)), strict=True)
            if ("MP_SENDER_FORGED" in verdict["symbols"]) is not (kind == "hostile")
        ]
        for kind, heads in CORPUS.items()
    }
    assert found == {"hostile": [], "honest": []}


def envelopes(mail, who, heads: list[str]) -> list[list[str]]:
    """The addresses of From that Dovecot shows for each head (ENVELOPE, RFC 3501, 7.4.2), in small letters."""
    session = mail.imap(who)
    assert session.create("Essais")[0] == "OK"
    for head in heads:
        whole = message(head).encode("utf-8", "surrogateescape")
        assert session.append("Essais", None, None, whole)[0] == "OK", head
    assert session.select("Essais")[0] == "OK"
    _, data = session.fetch("1:*", "(ENVELOPE)")
    lines, parts = [], []
    for piece in data:
        if isinstance(piece, tuple):
            # A literal: as a quoted string, which is what the rest of the answer consists of.
            parts += [re.sub(rb"\{\d+\}$", b"", piece[0]), b'"', re.sub(rb'(["\\])', rb"\\\1", piece[1]), b'"']
        else:
            lines.append(b"".join([*parts, piece]))
            parts = []
    return [authors(line) for line in lines]


def authors(line: bytes) -> list[str]:
    """The addresses of From in one answer to FETCH."""
    levels: list[list] = [[]]
    for token_ in re.finditer(rb'[()]|"((?:\\.|[^"\\])*)"|[^\s()"]+', line, re.DOTALL):
        if token_[0] == b"(":
            levels.append([])
        elif token_[0] == b")":
            levels[-2].append(levels.pop())
        else:
            levels[-1].append(None if token_[0] == b"NIL" else re.sub(rb"\\(.)", rb"\1", token_[1] or b""))
    shown = levels[0][-1][-1][2] or []
    text = [[(part or b"").decode("utf-8", "replace").lower() for part in one] for one in shown]
    return [f"{local}@{domain}" for _, _, local, domain in text if local and domain]


READ = """
local addresses = dofile("/etc/rspamd/malleposte/addresses.lua")
local ucl = require "ucl"
local parser = ucl.parser()
parser:parse_string(io.read("*a"))
local answers = {}
for place, raw in ipairs(parser:get_object().heads) do
  local values = addresses.fields(raw, "from")
  answers[place] = #values == 1 and addresses.parse(values[1]) or {}
end
print(ucl.to_format({ answers = answers }, "json-compact"))
"""


def read_by_us(site, heads: list[str]) -> list[list[str]]:
    """Our own reading of From, empty where there is none."""
    plain = [head.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for head in heads]
    name = f"/tmp/mp-{token()}.lua"
    site.run("mail1", f"cat > {name}", given=READ)
    try:
        return json.loads(site.run("mail1", "rspamadm", "lua", "-b", name, given=json.dumps({"heads": plain})))[
            "answers"
        ]
    finally:
        site.run("mail1", "rm", "-f", name)


PIECES = [
    *(VICTIM, "x@mechant.test", "victime", "@", OURS, f"<{VICTIM}>", "<x@mechant.test>", f"({VICTIM})", f'"{VICTIM}"'),
    *(
        "<",
        ">",
        "(",
        ")",
        "(x)",
        '"',
        '"x"',
        "\\",
        '\\"',
        ";",
        ":",
        ",",
        "[",
        "]",
        " ",
        "\n ",
        "'",
        "%",
        ".",
        "x",
        "Nom",
        "é",
    ),
    *("\uff20", "\u200b", "=?utf-8?Q?x?=", f"=?utf-8?Q?victime=40{OURS}?=", f"=?utf-8?Q?=3Cvictime=40{OURS}=3E?="),
    *("=?utf-8?Q?=22?=", f'"<{VICTIM}>"'),
]


def mixed(count: int) -> list[str]:
    """Heads of pieces in any order, the same ones each time."""
    dice = random.Random(26)
    return ["From: x" + "".join(dice.choices(PIECES, k=dice.randint(1, 6))) for _ in range(count)]


def test_what_the_mail_store_shows_is_what_we_read(site, mail, people):
    heads = [head for kind in CORPUS.values() for head in kind if len(head) < 1000] + mixed(300)
    passed = [
        head
        for head, verdict in zip(heads, verdicts(site, map(message, heads)), strict=True)
        if "MP_SENDER_FORGED" not in verdict["symbols"]
    ]
    assert len(passed) > 150
    differences = []
    stored = envelopes(mail, people.agent(), passed)
    for head, envelope, ours in zip(passed, stored, read_by_us(site, passed), strict=True):
        shown = [one for one in envelope if one.rpartition("@")[2] not in ("missing_domain", "syntax_error", "none")]
        if (ours and set(ours) != set(shown)) or any(one.endswith(f"@{OURS}") for one in shown):
            differences.append((head, shown, ours))
    assert differences == []


@pytest.mark.parametrize("head", [f'{VICTIM}(Jerome Saint-Exupere)"x"', f"<{VICTIM}> x", f"{VICTIM};x"])
def test_a_stranger_with_an_envelope_of_his_own_is_refused_in_words(mail, head):
    subject, target = token(), mail.account("probe1").mail
    answer = mail.stranger(f"{subject}@{FOREIGN}", target, message(f"From: {head}", subject).encode())
    assert (answer.step, answer.code) == ("DATA", 554), answer
    assert "le champ From nomme notre domaine" in answer.text, answer
    assert mail.count("probe1", subject) == 0
