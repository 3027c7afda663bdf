"""Find the open ports of a host, as seen from another host."""

from testinfra.host import Host


def reaches(machine: Host, address: str, port: int) -> bool:
    """Whether a connection from `machine` is taken. A closed port drops in silence."""
    code = (
        "import socket,sys\n"
        "s=socket.socket(); s.settimeout(2)\n"
        f"sys.exit(0 if s.connect_ex(({address!r},{port}))==0 else 1)"
    )
    return bool(machine.run(f'python3 -c "{code}"').rc == 0)
