"""Messages are taken back from all boxes, and can be given back (`malleposte mail retract`, the DSI's page).

`model` says what is taken back, `plan` finds it, `acts` does it, `store` keeps it on the directory's host, `note` tells
those who had read it. The DSI's page gives `orders`, which `work` carries out as root; `alone` says when a second
person must agree.
"""
