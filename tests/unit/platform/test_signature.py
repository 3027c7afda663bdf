"""The academy's template of a signature."""

import pytest
from malleposte.platform import signature

VALUES = {"name": "Zoé Lœuf", "function": "", "school": "Collège Berthe", "mail": "zoe@x.test"}
CASES = [
    ("", ""),
    ("{name}", "Zoé Lœuf"),
    ("\n{name}\n{function}\n{school}\n\nTél. 01\n", "Zoé Lœuf\nCollège Berthe\n\nTél. 01"),
    ("{function} {school}", "Collège Berthe"),
    ("Fonction {function}", ""),
]


@pytest.mark.parametrize(("template", "text"), CASES)
def test_a_line_of_nothing_is_left_out(template: str, text: str) -> None:
    assert signature.filled(template, VALUES) == text


@pytest.mark.parametrize(
    ("text", "right"), [("", True), ("{name} {school}", True), ("{bureau}", False), ("{name", False), ("a}", False)]
)
def test_a_template_names_what_is_known(text: str, right: bool) -> None:
    assert signature.is_template(text) is right
