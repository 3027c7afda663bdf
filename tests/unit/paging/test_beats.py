"""Heartbeats of the vaults."""

from __future__ import annotations

from malleposte.paging.beats import AGAIN, MISSING, Beats
from malleposte.platform.times import local


def test_a_vault_that_is_silent_is_told_once_and_again_after_hours_and_its_return() -> None:
    beats = Beats(["vault1", "vault2"], 0)
    beats.heard("vault1", MISSING)
    beats.heard("vault2", MISSING)
    assert beats.news(2 * MISSING) is None
    beats.heard("vault2", 2 * MISSING)
    news = beats.news(2 * MISSING + 1)
    assert news is not None
    assert [alarm.key for alarm in news.alarms] == ["heartbeat:vault1"]
    assert news.severity == "page"
    assert f"no heartbeat since {local('1970-01-01T00:05:00Z')}" in news.headline
    beats.sent(news, 2 * MISSING + 1)
    assert beats.news(2 * MISSING + 2) is None
    beats.heard("vault2", AGAIN + 2 * MISSING)
    assert beats.news(AGAIN + 2 * MISSING + 1) is not None
    beats.heard("vault1", AGAIN + 2 * MISSING + 2)
    back = beats.news(AGAIN + 2 * MISSING + 2)
    assert back is not None
    assert [(alarm.key, alarm.over) for alarm in back.alarms] == [("heartbeat:vault1", True)]
    beats.sent(back, AGAIN + 2 * MISSING + 2)
    assert beats.news(AGAIN + 2 * MISSING + 3) is None


def test_both_vaults_are_one_call() -> None:
    news = Beats(["vault1", "vault2"], 0).news(MISSING + 1)
    assert news is not None
    assert len(news.alarms) == 2
    assert "(and 1 more)" in news.sms


def test_news_that_reached_nobody_come_again_and_strangers_have_no_heartbeat() -> None:
    beats = Beats(["vault1"], 0)
    beats.heard("pia1", MISSING)
    assert beats.news(MISSING + 1) is not None
    assert beats.news(MISSING + 2) is not None
