"""What is wrong with an inventory and its hosts, said before anything is touched.

Offline: names, types and meaning of the variables, ports, groups, secrets. Then each host over ssh, all at once.
"""
