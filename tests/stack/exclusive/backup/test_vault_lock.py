"""A lock of borg's that no process holds, left by a crash or from another disk, does not stop maintenance."""

from tests.stack.support.site import Site

LOCK = "/srv/borg/mail1/system/lock.exclusive"
HOLDER = f"{LOCK}/elsewhere@1.23456-7"
"""borg names a lock by host, process and thread; of another host's it cannot know whether it still runs."""


def test_a_lock_of_a_host_that_is_no_more_stops_no_act_of_the_keeper(site: Site) -> None:
    # As `borg serve` makes it, for the group too: the keeper works by that.
    site.run("vault1", f"runuser -u borg-mail1 -- sh -c 'umask 0007; mkdir {LOCK} && touch {HOLDER}'")
    assert "mail1/system: " in site.run("vault1", "malleposte vault watch", timeout=600)
    assert site.run("vault1", f"ls -d {LOCK}", check=False) == ""


def test_a_backup_waits_while_the_keeper_looks_at_the_archives(site: Site) -> None:
    site.run("vault1", "systemd-run --quiet --collect flock --exclusive /srv/borg/mail1/gate sleep 10")
    assert "vault1" in site.run("mail1", "malleposte backup run --vault vault1 --source system 2>&1", timeout=900)
