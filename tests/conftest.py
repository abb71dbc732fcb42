"""What every test stands on: no way out of this machine, and the shared real data."""

from __future__ import annotations

import gc
import ipaddress
import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import settings

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("LEAKWATCH_SHARED", REPOSITORY.parent / "shared"))

# A shell that starts the tests in the background has them ignore interrupts, and so would programs that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# A busy machine is no defect: what must be quick is measured by processor time (tests/timing.py).
settings.register_profile("without deadlines", deadline=None)
settings.load_profile("without deadlines")


def _refuse_the_network(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect":
        address = arguments[1]
        if isinstance(address, tuple) and not ipaddress.ip_address(str(address[0]).split("%")[0]).is_loopback:
            raise RuntimeError("a test tried to leave this machine")
    elif event == "socket.getaddrinfo":
        host = arguments[0]
        if host not in (None, "", "localhost") and not _is_address(host):
            raise RuntimeError("a test tried to look a name up")


def _is_address(host: object) -> bool:
    try:
        ipaddress.ip_address(host.decode() if isinstance(host, bytes) else str(host))
    except ValueError:
        return False
    return True


def pytest_collection_finish() -> None:
    """Let no later collection of rubbish look through what was imported and collected, which stays to the end."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def only_loopback() -> None:
    """Refuse, for the rest of the process, every connection and look-up beyond this machine."""
    sys.addaudithook(_refuse_the_network)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of real posts and recordings; the tests fail without it."""
    assert SHARED.is_dir(), f"{SHARED} is missing: set LEAKWATCH_SHARED to the shared data"
    return SHARED


@pytest.fixture(scope="session")
def httpserver_listen_address() -> tuple[str, int]:
    """Return where test servers listen: on an address, as a name would have to be looked up."""
    return "127.0.0.1", 0
