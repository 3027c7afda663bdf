"""mail1 crashes while mail is being delivered: nothing that it has accepted is lost."""

from collections import Counter

import pytest

from tests.stack.support import power
from tests.stack.support.load import PATIENCE, Load
from tests.stack.support.mail import compose, token, wait_for

pytestmark = pytest.mark.rings("UnitInactive", "UnitRestarts", "PortDoesNotAnswer")

ENOUGH = 60
"""Messages accepted before the blow."""
KILLS, BETWEEN = 10, 80
"""Times that the store is killed, and messages accepted between two."""


@pytest.fixture
def load(mail, people):
    """Four readers of this test alone, and senders that write to them."""
    made = Load(mail, [people.agent() for _ in range(4)])
    yield made
    made.stop()


def awake(site) -> None:
    """Wait until mail1 answers and its mail services run."""

    def look() -> bool:
        words = "systemctl is-active -q postfix dovecot rspamd slapd && timeout 5 doveadm user probe1 && echo ready"
        return "ready" in site.run("mail1", words, check=False, timeout=20)

    wait_for(look, 120, "mail1 is back")


def everything(site, load: Load) -> Counter[str]:
    """Deliver what is queued and wait until every accepted message is in its mailbox."""
    accepted = set(load.accepted)
    missing = accepted

    def look() -> bool:
        nonlocal missing
        # A message that was put off a moment ago would wait for minutes.
        site.run("mail1", "postqueue -f")
        missing = accepted - set(load.stored())
        return not missing

    try:
        wait_for(look, PATIENCE, "every accepted message")
    except AssertionError:
        queue = site.run("mail1", "postqueue -p | tail -3", check=False)
        pytest.fail(f"{len(missing)} of {len(accepted)} accepted messages are lost; queue: {queue}")
    return load.stored()


def note_twins(record_property, found: Counter[str]) -> int:
    """Write down how many messages came once more than they should: allowed after a crash, but worth knowing."""
    twins = sum(count - 1 for count in found.values())
    print(f"{twins} duplicates of {len(found)} messages")
    record_property("duplicates", twins)
    return twins


@pytest.mark.full
def test_killed_in_mid_delivery(site, load, record_property):
    load.start()
    wait_for(lambda: len(load.accepted) >= ENOUGH, 120, f"{ENOUGH} messages accepted")
    try:
        site.lab.kill(["mail1"])
    finally:
        load.stop()
        site.lab.start(["mail1"])
        awake(site)
    assert load.tried > len(load.accepted) - load.senders
    note_twins(record_property, everything(site, load))


@pytest.mark.full
def test_a_store_that_is_killed_again_and_again_loses_nothing_and_files_hardly_anything_twice(
    site, mail, people, record_property
):
    """A message that was filed, and not answered for, comes again, and is known by its queue id."""
    load = Load(mail, [people.agent() for _ in range(4)], sender=people.agent(), most=KILLS * BETWEEN)
    load.start()
    try:
        for blow in range(1, KILLS + 1):
            wait_for(lambda blow=blow: len(load.accepted) >= blow * BETWEEN, 300, f"{blow * BETWEEN} messages accepted")
            site.run("mail1", "systemctl kill --signal=KILL dovecot.service")
    finally:
        load.stop()
        awake(site)
    twins = note_twins(record_property, everything(site, load))
    assert twins <= KILLS // 2, "what was noted as filed came again"


@pytest.mark.full
def test_a_lock_of_the_last_boot_ends_though_its_process_number_is_in_use_again(site, mail, people):
    """Dovecot never takes a lock from a process that lives: here another one, which has its number since the boot."""
    agent = people.agent()

    def deliver() -> None:
        word = token()
        assert mail.submit(agent, agent.mail, agent.mail, compose(agent.mail, agent.mail, word)).accepted
        query = f"doveadm fetch -u {agent.uid} uid mailbox INBOX header subject {word}"
        wait_for(lambda: "uid" in site.run("mail1", query, timeout=PATIENCE), PATIENCE, "the message is in the box")

    deliver()
    box = site.run("mail1", f"doveadm user -f home {agent.uid}").strip() + "/Maildir"
    name = site.run("mail1", f"ls {box}/new {box}/cur | grep -m1 '^[0-9]'")
    host = name.split(".")[2].split(",")[0]
    site.lab.kill(["mail1"])
    site.lab.start(["mail1"])
    awake(site)
    process = site.run("mail1", "pidof -s slapd").strip()
    lock = f"{box}/dovecot-uidlist.lock"
    site.run("mail1", f"printf %s {process}:{host} > {lock} && chown vmail:vmail {lock}")
    deliver()
    assert site.run("mail1", f"test -e {lock} || echo gone").strip() == "gone"


def test_power_loss_in_mid_delivery(site, load, record_property):
    with power.memory() as folder:
        disk, copy = folder / "disk.img", folder / "copy.img"
        power.make_image(disk)
        try:
            with power.on_disk(site, disk) as point:
                power.fill(site, point)
                site.lab.stop(["mail1"])
                site.lab.start(["mail1"], power.binds(point))
                awake(site)
                load.start()
                wait_for(lambda: len(load.accepted) >= ENOUGH, 120, f"{ENOUGH} messages accepted")
                with power.standing_still(site, "mail1"):
                    power.copy_at_once(disk, copy)
                    certain = list(load.accepted)
                load.stop()
            load.accepted[:] = certain
            with power.on_disk(site, copy) as point:
                site.lab.start(["mail1"], power.binds(point))
                awake(site)
                found = everything(site, load)
        finally:
            load.stop()
            site.lab.start(["mail1"], ())
            awake(site)
    note_twins(record_property, found)
