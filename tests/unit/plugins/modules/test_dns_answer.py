"""dns_answer on a host without dnspython: a deploy installs it first, and its rehearsal cannot."""

from tests.support.modules import run_module

WITHOUT = "sys.modules |= dict.fromkeys(('dns', 'dns.exception'))"
QUESTION = {"server": "192.0.2.1", "name": "ac-exemple.test."}


def test_in_check_mode_nothing_is_asked() -> None:
    result = run_module("dns_answer", check=True, before=WITHOUT, **QUESTION)
    assert result.get("skipped") is True
    assert not result.get("failed")


def test_in_a_deploy_it_fails_and_names_the_library() -> None:
    result = run_module("dns_answer", before=WITHOUT, **QUESTION)
    assert result["failed"] is True
    assert "dnspython" in result["msg"]
