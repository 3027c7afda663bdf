"""The end-to-end probe: test every path of the mail platform from outside, as agents and foreign servers use it.

`facts` reads the inventory, `ship` carries the package `walker`, and dnspython for it, to the vantage host
(or runs it here where there is none), `report` shows what came back. Inventory variables of the group `vantage`:

===============  ======================================================  ===================================
variable         meaning                                                 default
===============  ======================================================  ===================================
vantage_domain   mail domain served by the vantage host                  (required)
vantage_smtp     host:port where its own mail server takes mail          127.0.0.1:25
vantage_maildir  Maildir of one of its users, `{user}` is replaced       /srv/world-mail/DOMAIN/{user}/Maildir
vantage_user     local part that sends and receives for the probe        probe
===============  ======================================================  ===================================
"""
