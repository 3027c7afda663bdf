"""The Sieve scripts of an agent's rules hold each word between quotes, and run a program for labelled mail alone."""

import re

import pytest
from malleposte.accounts.mailbox.tools import model, script
from malleposte.accounts.mailbox.tools.model import Given, Paused, Rule, When
from malleposte.core.errors import InputError

ONE, TWO = "1" * 16, "2" * 16


def rule(ident: str = ONE, when: When = When.LABEL, **more) -> Rule:
    return Rule(ident, "slack", when, {}, "x", **({"label": "$label4"} if when == When.LABEL else {}) | more)


def test_labels_of_several_rules() -> None:
    text = script.scripts("mdupond", [rule(), rule(TWO), rule("3" * 16, label="Trello")])[script.LABELS]
    assert text.count("pipe :copy") == 2
    assert f'pipe :copy "tool-order" ["mdupond", "{ONE}", "{TWO}"];' in text
    assert 'hasflag "Trello"' in text
    assert '["$label4", "$label4 *", "* $label4", "* $label4 *"]' in text
    assert '"Partages/*"' in text


def test_mail_that_comes_by_sender_and_subject() -> None:
    text = script.scripts("mdupond", [rule(when=When.COMES, sender="rectorat", subject="urgent")])[script.COMES]
    assert 'if allof (header :contains "from" "rectorat", header :contains "subject" "urgent") {' in text


def test_a_word_stays_between_its_quotes() -> None:
    hostile = '"; redirect "x@y.z"; # \\'
    text = script.scripts("mdupond", [rule(when=When.COMES, subject=hostile)])[script.COMES]
    strings = re.findall(r'"((?:\\.|[^"\\])*)"', text)
    assert [one.replace("\\\\", "\\").replace('\\"', '"') for one in strings if "redirect" in one] == [hostile]
    assert re.sub(r'"(?:\\.|[^"\\])*"', "", text).count("redirect") == 0
    assert "variables" not in text


def test_whoever_has_no_rule_has_no_script() -> None:
    assert set(script.scripts("mdupond", []).values()) == {""}
    assert set(script.scripts("mdupond", [rule(paused=Paused.STOPPED)]).values()) == {""}
    assert script.scripts("mdupond", [rule(paused=Paused.REVOKED)])[script.LABELS]


@pytest.mark.parametrize("label", ["", "a b", 'a"b', "a*", "a\\b", "é", "x" * 41, "\\Seen", "a\nb"])
def test_a_label_that_is_none_is_refused(label: str) -> None:
    model.check(Given("slack", When.LABEL, {}, label="$label4"))
    with pytest.raises(InputError):
        model.check(Given("slack", When.LABEL, {}, label=label))


@pytest.mark.parametrize("word", ["a\nb", "x" * 81, " a", "a\x00"])
def test_a_word_that_is_none_is_refused(word: str) -> None:
    model.check(Given("slack", When.COMES, {}, subject="réunion"))
    with pytest.raises(InputError):
        model.check(Given("slack", When.COMES, {}, sender=word))
    with pytest.raises(InputError):
        model.check(Given("slack", When.COMES, {}))


def test_what_an_agent_gives_shows_no_secret() -> None:
    assert "hooks" not in repr(Given("slack", When.LABEL, {"url": "https://hooks.slack.com/x"}))
