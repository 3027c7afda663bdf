"""The Sieve scripts of an agent's rules: one that runs as the agent puts labels, one that runs as mail comes.

Whoever has no rule has no script, so that nothing runs for others. The scripts hold words of the rules alone, each
between quotes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from malleposte.accounts.mailbox.tools.model import Paused, Rule, When

PROGRAM = "tool-order"
LABELS, COMES = "labels", "comes"
OTHERS = ("Partages/*", ".EXPUNGED/*", ".SEALED/*")
"""Folders that are no folders of the agent's own."""


def scripts(uid: str, rules: Sequence[Rule]) -> dict[str, str]:
    """The scripts by their kinds; empty for one that would do nothing."""
    active = [rule for rule in rules if rule.paused != Paused.STOPPED]
    return {
        LABELS: _labels(uid, [rule for rule in active if rule.when == When.LABEL]),
        COMES: _comes(uid, [rule for rule in active if rule.when == When.COMES]),
    }


def _labels(uid: str, rules: Sequence[Rule]) -> str:
    if not rules:
        return ""
    by_label: dict[str, list[str]] = {}
    for rule in rules:
        by_label.setdefault(rule.label, []).append(rule.id)
    parts = [
        'require ["vnd.dovecot.pipe", "copy", "imapsieve", "environment", "imap4flags"];',
        f'if environment :matches "imap.mailbox" {_words(OTHERS)} {{\n  stop;\n}}',
    ]
    for label, idents in by_label.items():
        # The flags that changed stand on one line, those that were taken away too.
        there = _words([label, f"{label} *", f"* {label}", f"* {label} *"])
        parts.append(
            f'if allof (environment :matches "imap.changedflags" {there}, hasflag {_word(label)}) {{\n'
            f"  {_pipe(uid, idents)}\n}}"
        )
    return "\n".join(parts) + "\n"


def _comes(uid: str, rules: Sequence[Rule]) -> str:
    if not rules:
        return ""
    parts = ['require ["vnd.dovecot.pipe", "copy"];']
    for rule in rules:
        named = (("from", rule.sender), ("subject", rule.subject))
        tests = [f"header :contains {_word(name)} {_word(word)}" for name, word in named if word]
        parts.append(f"if allof ({', '.join(tests)}) {{\n  {_pipe(uid, [rule.id])}\n}}")
    return "\n".join(parts) + "\n"


def _pipe(uid: str, idents: Iterable[str]) -> str:
    return f"pipe :copy {_word(PROGRAM)} {_words([uid, *idents])};"


def _word(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _words(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(_word, texts))}]"
