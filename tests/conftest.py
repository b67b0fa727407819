"""What holds for all tests: no network, no files of the user, the same random cases each time."""

import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

os.environ.setdefault("MPLBACKEND", "Agg")  # before anything imports matplotlib
# A test that fails only today helps nobody; machines that are busy are not slow code.
settings.register_profile("course", derandomize=True, deadline=None)
settings.load_profile("course")


@pytest.fixture(scope="session", autouse=True)
def own_progress(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Checks record their verdicts in a file of this run, not in the learner's; so do recorders."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_PROGRESS", str(tmp_path_factory.mktemp("progress") / "progress.json"))
        patch.setenv("COURSE_RECORDINGS", str(tmp_path_factory.mktemp("recordings")))
        yield


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    """Connections lead to this machine only; any other is an error with its address."""
    connect = socket.socket.connect

    def connect_here(self: socket.socket, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else "localhost"
        if host not in ("127.0.0.1", "::1", "localhost"):
            raise OSError(f"tests have no network: connection to {address}")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect_here)
        yield
