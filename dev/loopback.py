"""Ports on the loopback address, or on another address of this machine."""

import socket

LOOPBACK = "127.0.0.1"


def is_free(port: int, address: str = LOOPBACK) -> bool:
    """Tell whether a server could listen on this port of an address of ours now."""
    with socket.socket() as probe:
        probe.settimeout(0.2)
        # A server on the wildcard address does not keep us from binding on every system.
        if probe.connect_ex((address, port)) == 0:
            return False
    with socket.socket() as probe:
        # As servers do it: a port whose last connections are still closing down is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def free_port(preferred: int = 0, address: str = LOOPBACK) -> int:
    """Return `preferred` when a server could listen on it, otherwise any port that is free."""
    if preferred and is_free(preferred, address):
        return preferred
    with socket.socket() as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
        return port


def accepts(port: int) -> bool:
    """Tell whether something answers on this port of the loopback address."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((LOOPBACK, port)) == 0
