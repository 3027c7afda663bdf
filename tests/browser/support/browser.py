"""One Chromium of one size, on the lab's addresses, that accepts the lab's certificates and no others."""

import base64
import contextlib
import hashlib
import json
import re
import socket
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import websocket
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from malleposte.core.paths import VAR
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, TimeoutException, WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

SECONDS = 120.0
"""A limit for what a page does; a busy machine is slow."""

PICTURES = VAR / "browser"
PLAIN = (
    "--no-sandbox --disable-gpu --disable-dev-shm-usage --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-popup-blocking --disable-hang-monitor "
    "--disable-prompt-on-repost --enable-automation --password-store=basic --lang=fr --accept-lang=fr "
    # Each test has a window of its own behind the first one: its timers run as those of a window in front.
    "--disable-background-timer-throttling --disable-backgrounding-occluded-windows --disable-renderer-backgrounding "
    "--disable-features=IntensiveWakeUpThrottling --allow-pre-commit-input --test-type=webdriver "
    "--remote-debugging-port=0"
).split()
PROGRAM = "/usr/lib/chromium/chromium-headless-shell"
"""Chromium without what only a person at a screen needs: a quarter less of processor for the same pages."""
CLIPBOARD = ["clipboardReadWrite", "clipboardSanitizedWrite"]
"""Rights that Chromium gives a page in the foreground, and a browser without windows gives none."""


LEFT = "does not belong to the document"
"""Chromium's word, at times, on an element of a page that it has just left."""
REFUSED = "refused by policy: "
# The console hears of what a script tried and got over only in this way.
TELL = f"""
addEventListener('securitypolicyviolation', event => console.error(
  '{REFUSED}' + [event.effectiveDirective, event.blockedURI, event.sourceFile].join(' ')));
"""
# Whether the middle of an element is its own, and no curtain's.
ON_TOP = """
const box = arguments[0].getBoundingClientRect();
return arguments[0].contains(document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2));
"""


WORDS = """
const copy = document.documentElement.cloneNode(true);
copy.querySelectorAll('script, style, template').forEach(one => one.remove());
const said = [copy.textContent];
document.querySelectorAll('*').forEach(one => {
  for (const name of ['title', 'aria-label', 'alt', 'placeholder']) {
    if (one.getAttribute(name)) said.push(one.getAttribute(name));
  }
});
return said.join('\\n');
"""


@dataclass(frozen=True)
class Size:
    """A screen: in CSS pixels, with so many dots a pixel."""

    name: str
    width: int
    height: int
    dots: float
    mobile: bool

    @property
    def metrics(self) -> dict[str, Any]:
        """The same in the words of Chromium's protocol."""
        return {"width": self.width, "height": self.height, "deviceScaleFactor": self.dots, "mobile": self.mobile}


DESKTOP = Size("desktop", 1366, 850, 1, False)
PHONE = Size("phone", 390, 844, 1.5, True)


def first_on(size: Size) -> pytest.MarkDecorator:
    """The mark of a file of which the gate runs the tests on this size of screen, a full run on both."""
    other = PHONE if size == DESKTOP else DESKTOP
    sizes = [size, pytest.param(other, marks=pytest.mark.full)]
    return pytest.mark.parametrize("browser", sizes, indirect=True, ids=[size.name, other.name])


BOTH_SIZES = pytest.mark.parametrize("browser", [DESKTOP, PHONE], indirect=True, ids=[DESKTOP.name, PHONE.name])
"""The mark of a test that the gate runs on both: the first look at a webmail."""


def pin(name: str, address: str, authorities: Path) -> str:
    """The hash of a site's public key, as Chromium takes it, once its certificate was checked. Raises ssl.SSLError."""
    context = ssl.create_default_context(cafile=authorities)
    with (
        socket.create_connection((address, 443), timeout=SECONDS) as raw,
        context.wrap_socket(raw, server_hostname=name) as session,
    ):
        shown = session.getpeercert(binary_form=True)
    assert shown is not None
    key = x509.load_der_x509_certificate(shown).public_key()
    digest = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    return base64.b64encode(digest).decode()


class Chromium:
    """One process for many tests. Each gets a window of its own, of a context without cookies, storage or cache.

    A process a test would be as fresh; its start takes longer than many a test. `addresses` by name: it knows no other
    name.
    """

    def __init__(self, profile: Path, addresses: Mapping[str, str], pins: set[str]) -> None:
        rules = [f"MAP {name} {address}" for name, address in addresses.items()]
        words = [
            *PLAIN,
            f"--user-data-dir={profile}",
            f"--window-size={DESKTOP.width},{DESKTOP.height}",
            f"--host-resolver-rules={','.join([*rules, 'MAP * ~NOTFOUND'])}",
            f"--ignore-certificate-errors-spki-list={','.join(sorted(pins))}",
            # Without a first page chromedriver takes this program for one that does not start.
            "about:blank",
        ]
        with (profile / "chromium.log").open("wb") as log:
            self.process = subprocess.Popen([PROGRAM, *words], stdout=log, stderr=log)
        options = webdriver.ChromeOptions()
        options.debugger_address = f"127.0.0.1:{self._port(profile)}"
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options, webdriver.ChromeService("/usr/bin/chromedriver"))
        self.driver.set_page_load_timeout(SECONDS)
        self.driver.set_script_timeout(SECONDS)
        self._first = self.driver.current_window_handle
        with urllib.request.urlopen(f"http://{options.debugger_address}/json/version", timeout=SECONDS) as answer:
            link = json.load(answer)["webSocketDebuggerUrl"]
        self._link = websocket.create_connection(link, timeout=SECONDS, suppress_origin=True)
        self._asked = 0

    def _port(self, profile: Path) -> int:
        """Wait for the port on which the process is spoken to."""
        file, end = profile / "DevToolsActivePort", time.monotonic() + SECONDS
        while not file.exists() or not file.read_text():
            if self.process.poll() is not None or time.monotonic() > end:
                self.process.kill()
                raise AssertionError(f"Chromium does not start: {(profile / 'chromium.log').read_text()[-500:]}")
            time.sleep(0.05)
        return int(file.read_text().split()[0])

    def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """A command to the browser itself, which chromedriver sends to pages alone."""
        self._asked += 1
        self._link.send(json.dumps({"id": self._asked, "method": method, "params": parameters}))
        while True:
            told = json.loads(self._link.recv())
            if told.get("id") == self._asked:
                result: dict[str, Any] = told["result"]
                return result

    @contextlib.contextmanager
    def window(self, size: Size) -> Iterator[webdriver.Chrome]:
        """A fresh window; it and those that it opens end with the block."""
        context = self._ask("Target.createBrowserContext")["browserContextId"]
        try:
            handle = self._ask("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
            self.driver.switch_to.window(handle)
            self._ask("Browser.grantPermissions", browserContextId=context, permissions=CLIPBOARD)
            adjust(self.driver, size)
            for kind in ("browser", "performance"):
                self.driver.execute("getLog", {"type": kind})
            yield self.driver
        finally:
            self._ask("Target.disposeBrowserContext", browserContextId=context)
            self.driver.switch_to.window(self._first)

    def quit(self) -> None:
        """End the process."""
        try:
            self._link.close()
            self.driver.quit()
        finally:
            self.process.terminate()
            self.process.wait(SECONDS)


def adjust(driver: webdriver.Chrome, size: Size) -> None:
    """Give the present window its screen, its time zone and the script that tells of refused resources."""
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size.metrics)
    driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": TELL})
    driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "Europe/Paris"})
    driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": size.mobile})


@dataclass
class Browser:
    """A browser for tests. `names` are the platform's host names, by key."""

    driver: webdriver.Chrome
    size: Size
    names: Mapping[str, str]

    def url(self, key: str, path: str = "/") -> str:
        """An address of the platform."""
        return f"https://{self.names[key]}{path}"

    def open(self, key: str, path: str = "/") -> None:
        """Go to a page."""
        self.driver.get(self.url(key, path))

    def wait[T](self, condition: Callable[[], T | None], what: str = "", seconds: float = SECONDS) -> T:
        """Wait until the condition is true and return its value. Elements replaced meanwhile are looked up anew."""

        def met() -> T | None:
            try:
                return condition()
            except WebDriverException as error:
                if isinstance(error, StaleElementReferenceException) or LEFT in str(error.msg):
                    return None
                raise

        try:
            found = WebDriverWait(self.driver, seconds, 0.2).until(lambda _: met(), what)
        except TimeoutException as error:
            said = " ".join(self.driver.find_element(By.TAG_NAME, "body").text.split())
            raise AssertionError(f"{what}; {self.driver.current_url} says: {said[:1500]}") from error
        assert found
        return found

    def seen(self, selector: str, text: str = "") -> WebElement:
        """An element that can be seen and holds a text, once it does."""

        def look() -> WebElement | None:
            found = self.driver.find_elements(By.CSS_SELECTOR, selector)
            return next((one for one in found if one.is_displayed() and text in one.text), None)

        return self.wait(look, f"{selector} with {text!r} cannot be seen")

    def write(self, selector: str, text: str) -> None:
        """Type into a field once it keeps the focus, which a page may give back to the field before."""
        field = self.seen(selector)

        def kept() -> bool:
            self.driver.execute_script("arguments[0].focus()", field)
            time.sleep(0.5)
            return bool(self.driver.switch_to.active_element == field)

        self.wait(kept, f"{selector} does not keep the focus")
        field.send_keys(text)
        self.wait(lambda: field.get_attribute("value") == text, f"{selector} does not take {text}")

    def click(self, selector: str, text: str = "", heading: str = "") -> None:
        """Click an element once it can be clicked; pages put curtains over themselves while they load.

        `heading`: of the page to which it leads, which is waited for.
        """

        def press() -> bool:
            element = self.seen(selector, text)
            self.driver.execute_script("arguments[0].scrollIntoView({block: 'nearest'})", element)
            if not element.is_enabled() or not self.driver.execute_script(ON_TOP, element):
                return False
            element.click()
            return True

        self.wait(press, f"{selector} with {text!r} cannot be clicked")
        if heading:
            self.seen("h1", heading)

    def section(self, words: str) -> None:
        """Follow a link of the portal's menu of a section, which is behind a button on a phone."""
        if self.size.mobile:
            self.click(".own summary")
            self.click(".own a", words)
            return
        # A computer shows the whole menu; selenium takes what a closed part holds for unseen, whatever its style.
        self.seen(".own")
        found = self.driver.find_elements(By.CSS_SELECTOR, ".own a")
        (link,) = [one for one in found if one.get_attribute("textContent") == words]
        assert self.driver.execute_script("return arguments[0].checkVisibility()", link), f"{words} cannot be seen"
        assert self.driver.execute_script(ON_TOP, link), f"{words} is covered"
        self.driver.execute_script("arguments[0].click()", link)

    def opened(self) -> None:
        """Wait until a dialog of SOGo has the focus, which it takes from any field at the end of its opening."""
        script = """
            const dialog = [...document.querySelectorAll("md-dialog")].pop();
            return !dialog || dialog.contains(document.activeElement);
        """
        self.wait(lambda: self.driver.execute_script(script), "the dialog does not take the focus")

    def choose(self, field: str, typed: str, shown: str = "") -> None:
        """Type into a field that suggests, and click the suggestion that shows `shown`, else what was typed.

        A list of suggestions goes when its field loses the focus for a moment, and an empty one is kept for the same
        words: as an agent would, the last letter is then typed again, and at last all of them.
        """
        tries = 4

        def suggested() -> WebElement | None:
            found = self.driver.find_elements(By.CSS_SELECTOR, "md-virtual-repeat-container li")
            return next((one for one in found if one.is_displayed() and (shown or typed) in one.text), None)

        self.opened()
        self.seen(field).send_keys(typed)
        for left in reversed(range(tries)):
            with contextlib.suppress(TimeoutException):
                WebDriverWait(self.driver, SECONDS / tries, 0.2, [StaleElementReferenceException]).until(
                    lambda _: suggested()
                )
                break
            if left == tries - 1:
                self.seen(field).send_keys(Keys.BACKSPACE, typed[-1])
            elif left:
                self.seen(field).send_keys(*[Keys.BACKSPACE] * len(typed), typed)
        self.click("md-virtual-repeat-container li", shown or typed)

    def tab(self) -> str:
        """Open another tab of the same window and go to it; its handle."""
        known = set(self.driver.window_handles)
        self.driver.execute_script("window.open('about:blank')")
        (handle,) = self.wait(lambda: set(self.driver.window_handles) - known, "no tab opens")
        self.driver.switch_to.window(handle)
        adjust(self.driver, self.size)
        return handle

    def resize(self, size: Size) -> None:
        """Have another screen."""
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size.metrics)
        self.size = size

    def language(self) -> str:
        """The language that the page says it has."""
        return str(self.driver.execute_script("return document.documentElement.lang"))

    def fits(self) -> bool:
        """Whether the page is no wider than the screen, or comes to be: panes slide in."""
        wide = "return Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)"
        return self.wait(lambda: int(self.driver.execute_script(wide)) <= self.size.width, "the page is too wide")

    def words(self) -> str:
        """Every text of the page, seen or hidden, and what screen readers are told: titles, labels, hints."""
        return str(self.driver.execute_script(WORDS))

    def complaints(self) -> list[str]:
        """Errors in the console since the last call."""
        return [str(line["message"]) for line in self._log("browser") if line["level"] == "SEVERE"]

    def _log(self, kind: str) -> list[dict[str, Any]]:
        lines: list[dict[str, Any]] = self.driver.execute("getLog", {"type": kind})["value"]
        return lines

    def requests(self) -> list[tuple[str, str, str]]:
        """Method, address and body of each request of the page since the last call."""
        events = [json.loads(line["message"])["message"] for line in self._log("performance")]
        sent = [one["params"]["request"] for one in events if one["method"] == "Network.requestWillBeSent"]
        return [(one["method"], one["url"], one.get("postData", "")) for one in sent]

    def fetched(self) -> list[tuple[str, int]]:
        """Address and bytes, as they were sent, of each answer since the last call."""
        events = [json.loads(line["message"])["message"] for line in self._log("performance")]
        named = {
            one["params"]["requestId"]: one["params"]["response"]["url"]
            for one in events
            if one["method"] == "Network.responseReceived"
        }
        ends = [one["params"] for one in events if one["method"] == "Network.loadingFinished"]
        return [(named[one["requestId"]], int(one["encodedDataLength"])) for one in ends if one["requestId"] in named]

    def settled(self) -> None:
        """Wait until the page has asked for nothing for two seconds."""
        asked = "return performance.getEntriesByType('resource').length"

        def still() -> bool:
            before = self.driver.execute_script(asked)
            time.sleep(2)
            return bool(self.driver.execute_script(asked) == before)

        self.wait(still, "the page asks for ever")

    def violations(self) -> list[str]:
        """Return the CSP refusals since the last call: directive, refused resource, script.

        AngularJS tries once a page whether it may compile; that is left out.
        """
        lines = [line.partition(REFUSED)[2].strip('"') for line in self.complaints() if REFUSED in line]
        return [line for line in lines if not re.fullmatch(r"script-src eval \S*/angular\.min\.js", line)]

    def barriers(self, within: str = "") -> list[str]:
        """Return axe-core's findings on the page, or on a part of it, against WCAG A and AA: rule, gravity, elements.

        The axe-core of today, 4.4, knows no rule of WCAG 2.2; everyone.py looks at the size of targets.
        """
        self.driver.execute_script((files("axe_core_python") / "axe.min.js").read_text("utf-8"))
        rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}
        context = json.dumps(within) if within else "document"
        script = f"axe.run({context}, {json.dumps(rules)}).then(r => arguments[0](r.violations))"
        found: list[dict[str, Any]] = self.driver.execute_async_script(script)
        return [f"{one['id']} ({one['impact']}): {[node['target'] for node in one['nodes']]}" for one in found]

    def report(self, page: str) -> None:
        """Keep what axe-core finds on a page that is not ours: `<page>-<size>.axe.txt` beside the pictures."""
        (PICTURES / f"{page}-{self.size.name}.axe.txt").write_text("\n".join([*self.barriers(), ""]), "utf-8")

    def picture(self, page: str) -> None:
        """A screenshot, `<page>-<size>.png`."""
        self.driver.save_screenshot(str(PICTURES / f"{page}-{self.size.name}.png"))
