"""Words of agents reach doveadm as words: it takes options anywhere, and `-uNAME` is another account's."""

import ast

from malleposte.core.paths import ROOT


def given(tree: ast.AST) -> list[tuple[int, list[ast.expr]]]:
    """The line and the words of each call that acts on one account (`-u`)."""
    return [
        (node.lineno, node.args)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and any(isinstance(one, ast.Constant) and one.value == "-u" for one in node.args)
    ]


def open_to_options(words: list[ast.expr]) -> bool:
    """Whether a word that is not written down, other than the account, stands where an option may."""
    values = [one.value if isinstance(one, ast.Constant) else None for one in words]
    end = values.index("--") if "--" in values else len(values)
    account = values.index("-u") + 1
    chosen = [at for at, value in enumerate(values[:end]) if value is None and at != account]
    return any(not str(values[at - 1]).startswith("--") for at in chosen)


def test_what_is_not_written_down_stands_after_the_options() -> None:
    wrong, seen = [], 0
    for path in sorted((ROOT / "cli/malleposte").rglob("*.py")):
        text = path.read_text("utf-8")
        if path.is_symlink() or "doveadm" not in text:
            continue
        for line, words in given(ast.parse(text)):
            seen += 1
            if open_to_options(words):
                wrong.append(f"{path.relative_to(ROOT)}:{line}")
    assert wrong == []
    assert seen > 8


def test_the_rule_tells_one_from_the_other() -> None:
    ((_line, words),) = given(ast.parse('doveadm("move", "-u", uid, place, "mailbox", "INBOX")'))
    assert open_to_options(words)
    for right in ('doveadm("move", "-u", uid, "--", place)', 'doveadm("x", "-u", uid, "--min", str(one), "--", name)'):
        ((_line, words),) = given(ast.parse(right))
        assert not open_to_options(words)
