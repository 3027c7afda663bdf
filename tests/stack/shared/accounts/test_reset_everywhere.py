"""A forgotten password that is chosen anew on the portal counts at once, at every service alike."""

from dataclasses import replace
from typing import Any

from malleposte.policy import rules

from tests.stack.support.channels import CHANNELS, Channels
from tests.stack.support.visitor import Visitor


def test_the_old_password_opens_nothing_any_more_and_the_new_one_everything(
    site: Any, plan: Any, web: Any, ca_bundle: Any, platform: dict[str, Any], person: Any
) -> None:
    who, new = person(mpProfile=["convergence"]), rules.generate()
    channels = Channels(site, plan, web, ca_bundle, platform)
    # Twice: the services know the old password by then, and would find it in what they keep.
    for _ in range(2):
        assert channels.all_of({"old": who.account}) == {("old", channel): True for channel in CHANNELS}
    visitor = Visitor(site, web)
    visitor.send("/motdepasse/oublie", numen=who.numen, code=who.code(), new=new, again=new)
    assert visitor.status == 200
    assert channels.all_of({"old": who.account}) == {("old", channel): False for channel in CHANNELS}
    renewed = replace(who.account, password=new)
    assert channels.all_of({"new": renewed}) == {("new", channel): True for channel in CHANNELS}
