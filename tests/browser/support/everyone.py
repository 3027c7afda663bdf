"""The checks of every page of ours: whoever uses it, on whatever screen, finds no barrier."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.browser.support.browser import Browser, Size

NARROW = Size("narrow", 320, 640, 1, True)
"""WCAG 1.4.10: a desk's screen of 1280 pixels at 400 %, or a small phone."""
ZOOM = 2
"""WCAG 1.4.4: text of twice the size. A browser's zoom makes the page so many times narrower and its dots denser."""
SMALLEST = 24
"""WCAG 2.5.8: pixels of a target, either way."""
LISTED = 6
"""Elements that a message names at most."""

# Elements that can be seen. A box of the design system is the label beside its native box, which is transparent.
SEEN = """
const seen = one => one.checkVisibility({visibilityProperty: true}) && one.getBoundingClientRect().width > 1;
const named = one => one.outerHTML.slice(0, 120);
"""
# WCAG 2.5.8, which axe-core 4.4 does not know: what is smaller needs so much room that a circle of 24 pixels around its
# middle touches no other target. A link in a sentence is as high as its line.
TARGETS = f"""{SEEN}
const side = {SMALLEST}, targets = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select,'
  + 'textarea, summary')].filter(seen);
const box = one => (one.labels && one.labels[0] && /checkbox|radio/.test(one.type) ? one.labels[0] : one)
  .getBoundingClientRect();
const small = one => Math.min(box(one).width, box(one).height) < side - 0.5;
const inline = one => one.tagName == 'A' && getComputedStyle(one).display == 'inline'
  && one.parentElement.textContent.trim().length > one.textContent.trim().length;
const near = (one, other) => {{
  const from = box(one), to = box(other), x = from.x + from.width / 2, y = from.y + from.height / 2;
  const far = Math.hypot(Math.max(to.left - x, 0, x - to.right), Math.max(to.top - y, 0, y - to.bottom));
  return far < side / 2;
}};
const crowded = one => targets.some(other => !one.contains(other) && !other.contains(one) && near(one, other));
return targets.filter(one => small(one) && !inline(one) && crowded(one)).map(named);
"""
# Colours of the reader's own take backgrounds and shadows away: a field or a button keeps a border.
BARE = f"""{SEEN}
if (!matchMedia('(forced-colors: active)').matches) return ['forced colours are not on'];
const bordered = style => ['borderTop', 'borderBottom', 'outline'].some(line => style[`${{line}}Style`] != 'none'
  && parseFloat(style[`${{line}}Width`]) > 0);
return [...document.querySelectorAll('main button, main input:not([type=hidden]), main select, main textarea')]
  .filter(seen).filter(one => getComputedStyle(one).opacity == 0
    || !(/checkbox|radio/.test(one.type) || bordered(getComputedStyle(one))
      || getComputedStyle(one).textDecorationLine == 'underline')).map(named);
"""
# The main control: the button that sends the page's form, else a button, else the first link of the content.
CONTROL = f"""{SEEN}
for (const kind of ['main form.narrow [type=submit]', 'main [type=submit]', 'main button', 'main a[href]']) {{
  const found = [...document.querySelectorAll(kind)].find(seen);
  if (found) return found;
}}
"""
# Whether an element has the focus, shows it, and lies inside the screen with nothing over it. A tile lights up whole.
REACHED = """
const one = arguments[0];
if (document.activeElement != one) return '';
one.scrollIntoView({block: 'center'});
const drawn = style => style.outlineStyle != 'none' && parseFloat(style.outlineWidth) > 0;
const lit = [undefined, '::before'].some(part => drawn(getComputedStyle(one, part)));
const box = one.getBoundingClientRect(), on = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
return !lit ? 'the focus is not seen' : !one.contains(on) ? 'something lies over it' : 'reached';
"""
# The first link has the focus; the number of what may have it.
BEGIN = """
document.activeElement.blur();
document.querySelector('a[href]').focus();
return document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex]').length;
"""
INSIDE = """
arguments[0].scrollIntoView({block: 'center'});
const box = arguments[0].getBoundingClientRect();
return box.width > 0 && box.left >= 0 && box.right <= innerWidth + 0.5;
"""


def checked(browser: Browser, picture: str = "") -> None:
    """Check that the page has no barrier that axe-core knows and fits the screen; keep its picture under a name."""
    assert browser.fits()
    assert browser.barriers() == []
    if picture:
        browser.picture(picture)


def looked_at(browser: Browser, picture: str, language: str = "fr") -> None:
    """The same of a page that says its language."""
    assert browser.language() == language
    checked(browser, picture)


def for_everyone(browser: Browser, picture: str = "") -> None:
    """The same of a page that needs no log-in, then on other screens, in other colours and by the keyboard."""
    checked(browser, picture)
    told = browser.driver.execute_script(TARGETS)
    assert not told, f"targets of less than {SMALLEST} pixels too near to others: {told[:LISTED]}"
    _on_other_screens(browser)
    with media(browser, "forced-colors", "active"):
        told = browser.driver.execute_script(BARE)
        assert not told, f"without a border in forced colours: {told[:LISTED]}"
    _by_keyboard(browser)


@contextmanager
def media(browser: Browser, feature: str, value: str) -> Iterator[None]:
    """Have the reader's system ask something of pages."""
    send = browser.driver.execute_cdp_cmd
    send("Emulation.setEmulatedMedia", {"features": [{"name": feature, "value": value}]})
    try:
        yield
    finally:
        send("Emulation.setEmulatedMedia", {"features": []})


def _on_other_screens(browser: Browser) -> None:
    own = browser.size
    zoomed = Size("zoomed", own.width // ZOOM, own.height // ZOOM, own.dots * ZOOM, own.mobile)
    try:
        for screen in (NARROW, *((zoomed,) if zoomed.width >= NARROW.width else ())):
            browser.resize(screen)
            assert browser.fits(), screen
            control = browser.driver.execute_script(CONTROL)
            assert control is None or browser.driver.execute_script(INSIDE, control), f"{screen}: out of sight"
    finally:
        browser.resize(own)


def _by_keyboard(browser: Browser) -> None:
    """The main control is reached by the tabulator, and seen to be."""
    control: Any = browser.driver.execute_script(CONTROL)
    assert control is not None, "the page has no control"
    many = int(browser.driver.execute_script(BEGIN))
    for _ in range(many):
        told = browser.driver.execute_script(REACHED, control)
        if told:
            break
        ActionChains(browser.driver).send_keys(Keys.TAB).perform()
    assert told == "reached", told or f"{many} steps of the tabulator do not reach {control.get_attribute('outerHTML')}"
    browser.driver.execute_script("document.activeElement.blur()")
