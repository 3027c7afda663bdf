"""The agents' guide on the portal: found from the first page, read with its pictures."""

from tests.browser.support.browser import Browser

LOADED = """
const shown = [...document.querySelectorAll('.guide img')];
shown.forEach(one => { one.loading = 'eager'; });
return shown.length > 0 && shown.every(one => one.complete && one.naturalWidth > 0);
"""


def test_an_agent_reads_a_page_of_the_guide(browser: Browser) -> None:
    browser.open("portal")
    browser.click("main a", "Le guide des agents", heading="Le guide des agents")
    assert browser.fits()
    browser.picture("portal-guide")
    browser.click(".guide a", "Le courrier de tous les jours", heading="Le courrier de tous les jours")
    browser.wait(lambda: browser.driver.execute_script(LOADED), "the pictures are not shown")
    assert browser.fits()
    browser.picture("portal-guide-page")
    browser.click(".guide a", "son agenda", heading="L’agenda")
    assert (
        browser.driver.execute_script("return decodeURIComponent(location.hash)") == "#lagenda-dune-boîte-fonctionnelle"
    )
    browser.click("main a", "Toutes les pages du guide", heading="Le guide des agents")
    assert browser.complaints() == []
