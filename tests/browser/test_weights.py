"""The weight of a first visit of each site, with nothing in the browser: no change makes it larger unseen."""

import pytest

from tests.browser.support import roundcube, sogo
from tests.browser.support.agent import Reader
from tests.browser.support.browser import DESKTOP, Browser

KB = 1000
MOST = {"portal": 213, "sso": 267, "webmail": 718, "groupware": 2409}
"""In kB, as they are sent: a tenth above what they were before the log-in page had the frame of the portal."""


@pytest.mark.full
@pytest.mark.parametrize("browser", [DESKTOP], indirect=True, ids=["desktop"])
@pytest.mark.parametrize("key", MOST)
def test_a_first_visit_is_no_heavier(browser: Browser, reader: Reader, key: str, pytestconfig: pytest.Config) -> None:
    if key == "webmail":
        roundcube.log_in(browser, reader.agent("roundcube"))
    elif key == "groupware":
        sogo.log_in(browser, reader.agent("convergence"))
    else:
        browser.open(key)
        browser.seen("h1")
    browser.settled()
    # The log-in page, through which the webmails are entered, has a budget of its own.
    others = tuple(browser.url(name) for name in ("portal", "sso") if name != key)
    sent = [(size, url) for url, size in browser.fetched()]
    # Chromium has pages of its own, such as the first of a new window.
    sent = [one for one in sent if one[1].startswith("https://")]
    own = [(size, url) for size, url in sent if not url.startswith(others) or url.endswith("/annonces.json")]
    total = round(sum(size for size, _url in own) / KB)
    told = ", ".join(f"{size / KB:.0f} {url.rpartition('/')[2][:40]}" for size, url in sorted(own, reverse=True)[:12])
    pytestconfig.get_terminal_writer().line(f"\n{key}: {total} kB in {len(own)} requests: {told}")
    assert total <= MOST[key], told
