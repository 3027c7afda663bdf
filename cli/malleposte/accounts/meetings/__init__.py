"""Meetings of agents: when a group is free, and the invitation that goes out from there.

`slots` compares busy times, which `times` reads on the host of the agendas.
"""
