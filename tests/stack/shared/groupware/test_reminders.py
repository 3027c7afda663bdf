"""A reminder by mail that an agent of the light class set in the agenda of a telephone or a program."""

import datetime
import email
import email.policy
from collections.abc import Callable

import pytest

from tests.stack.support.dav import Device, first
from tests.stack.support.mail import Mail, token, wait_for
from tests.stack.support.site import Site

pytestmark = pytest.mark.scattered

JOB = "malleposte-radicale-reminders.service"
EVENT = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//essai//FR
BEGIN:VEVENT
UID:{uid}
DTSTAMP:20300101T080000Z
DTSTART:{start:%Y%m%dT%H%M%SZ}
DURATION:PT1H
SUMMARY:Réunion {uid}
BEGIN:VALARM
ACTION:{action}
ATTENDEE:mailto:voisin@lointain.test
DESCRIPTION:Rappel
SUMMARY:Rappel
TRIGGER:-PT2H
END:VALARM
END:VEVENT
END:VCALENDAR
"""


def put(device: Device, action: str, delay: datetime.timedelta) -> str:
    """An event with an alarm that is due after a delay; its UID."""
    uid, home = f"rappel-{token()}", first(device.discover()[1])
    start = datetime.datetime.now(datetime.UTC) + delay + datetime.timedelta(hours=2)
    text = EVENT.format(uid=uid, start=start, action=action).replace("\n", "\r\n")
    assert device.ask("PUT", f"{home}{uid}.ics", text, Content_Type="text/calendar; charset=utf-8").status == 201
    return uid


def test_an_alarm_by_mail_reaches_the_owner_alone(device: Callable[..., Device], mail: Mail, site: Site) -> None:
    mine = device(profile="roundcube")
    shown = put(mine, "DISPLAY", datetime.timedelta(seconds=10))
    wanted = put(mine, "EMAIL", datetime.timedelta(seconds=10))
    # The timer does the same every two minutes.

    def came() -> bool:
        # So often that systemd would think that it fails.
        site.run(site.host_of("web"), f"systemctl reset-failed {JOB}")
        site.run_job(site.host_of("web"), JOB)
        return mail.count(mine.account, wanted) > 0

    wait_for(came, 300)
    found = mail.arrived(mine.account, wanted)
    message = email.message_from_bytes(found, policy=email.policy.default)
    assert message["Subject"] == f"Rappel\u00a0: Réunion {wanted}"
    assert message["From"].addresses[0].username == "postmaster"
    assert "voisin" not in str(message["To"])
    site.run_job(site.host_of("web"), JOB)
    assert mail.count(mine.account, wanted) == 1 and mail.count(mine.account, shown) == 0
    assert site.run(site.host_of("web"), f"systemctl is-failed {JOB}", check=False).strip() != "failed"
