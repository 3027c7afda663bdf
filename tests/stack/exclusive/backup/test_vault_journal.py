"""The lines of an act on a vault are shown, also when the act ends before journald has taken them in."""

import pytest

from tests.stack.support.site import Site

SLOW_JOURNALD = """
journald=$(systemctl show -P MainPID systemd-journald.service)
kill -STOP $journald
(
    sleep 1
    for _ in $(seq 300); do
        [ "$(systemctl is-active malleposte-vault@watch.service)" = activating ] || break
        sleep 0.2
    done
    sleep 3
    kill -CONT $journald
) &
malleposte vault watch
wait
"""


@pytest.mark.full
def test_what_an_act_wrote_is_shown_though_journald_is_late(site: Site) -> None:
    assert "mail1/system: " in site.run("vault1", SLOW_JOURNALD, timeout=600)
