"""Web calendars of SOGo: an agent names an address, and the server fetches it, but not from within."""

import contextlib

from tests.stack.support.groupware import Groupware, event
from tests.stack.support.mail import token, wait_for

FILE = "calendrier.ics"


@contextlib.contextmanager
def inside(site, unit, port):
    """A calendar on SOGo's own host, as a service of the inside might have one."""
    folder = f"/run/{unit}"
    site.run("mail1", f"mkdir {folder} && cat > {folder}/{FILE}", given=event(unit, "Conseil secret"))
    serve = f"python3 -m http.server {port} --directory {folder}"
    site.run("mail1", f"systemd-run --quiet --collect --unit={unit} {serve}")
    try:
        wait_for(lambda: site.run("mail1", f"curl -s http://127.0.0.1:{port}/{FILE}", check=False), what="no server")
        yield
    finally:
        site.run("mail1", f"systemctl stop {unit}; rm -r {folder}")


def test_a_web_calendar_leads_to_no_address_of_the_inside(people, site, ca_bundle):
    agent = Groupware(site, ca_bundle, people.agent(profile="convergence")).login()
    unit, port, own = token(), 8099, site.address("mail1")
    with inside(site, unit, port):
        for place in (f"127.0.0.1:{port}", f"{own}:{port}", "127.0.0.1", own, site.address("pia1")):
            url = f"http://{place}/{FILE}?{token()}"
            made = agent.post(agent.own("Calendar/addWebCalendar"), {"url": url})
            assert made.status == 200, made.text
            fetched = agent.get(agent.own(f"Calendar/{made.json()['id']}/reload")).json()
            assert fetched == {"error": "bad-url", "url": url}
            # Refused before a word is said: 7 is curl's number for no connection.
            log = site.run("mail1", f"journalctl -u sogo -o cat --since -5min | grep -F '{url}'")
            assert "(7)" in log, log
    assert agent.listed() == [], "SOGo no longer reaches its own services"
