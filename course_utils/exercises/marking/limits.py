"""What a submission may use, and how much of that the system itself enforces.

Linux enforces all of it. macOS does not hold memory, Windows knows none of these limits; there the
sandbox's watch alone remains, which looks five times a second. Nowhere is a submission kept from
reading what its user may read, or from the network: that takes a container.
"""

import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

if sys.platform != "win32":
    import resource

_MB = 1_000_000


@dataclass(frozen=True)
class Limits:
    """Limits of one submission.

    Attributes:
        seconds: for everything together, from its start.
        cell_seconds: for one cell.
        memory_mb: for all its processes together.
        file_mb: for one file.
        disk_mb: for all that lies in its scratch folder.
        processes: how many there may be at once.
        user: number of the user as which it runs; 0 for the user who marks.
    """

    seconds: float = 120.0
    cell_seconds: float = 20.0
    memory_mb: int = 3_000
    file_mb: int = 50
    disk_mb: int = 200
    processes: int = 20
    user: int = 0


def apply(limits: Limits) -> None:
    """Put this process, and all that it will start, under limits; cannot be undone by a user.

    Args:
        limits: what it may use.

    Raises:
        PermissionError: another user is wanted, and this one may not change to it.
    """
    if sys.platform == "win32":
        return
    _set("RLIMIT_CORE", 0)
    _set("RLIMIT_FSIZE", limits.file_mb * _MB)
    _set("RLIMIT_CPU", int(limits.seconds) + 5)
    # What is mapped but never touched, as torch does by the gigabyte, does not count as data.
    _set("RLIMIT_DATA" if sys.platform == "linux" else "RLIMIT_AS", limits.memory_mb * _MB)
    if limits.user:
        _set("RLIMIT_NPROC", limits.processes + 200)  # counts threads, of all of the user's
        os.setgroups([])
        os.setgid(limits.user)
        os.setuid(limits.user)
    if sys.platform == "linux":
        die_with_parent()  # once more: changing the user takes it back


def closed_to_others(path: str | os.PathLike[str]) -> Path | None:
    """The first folder on the way to a path that other users than its owner may not enter."""
    whole = Path(path).resolve()
    for folder in reversed([whole, *whole.parents]):
        if folder.is_dir() and not folder.stat().st_mode & stat.S_IXOTH:
            return folder
    return None


def die_with_parent() -> None:
    """Have Linux end this process when the thread that started it ends."""
    if sys.platform == "linux":
        import ctypes
        import signal

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def adopt_orphans() -> None:
    """Have Linux make this process the parent of whatever its descendants leave behind."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER


def _set(name: str, value: int) -> None:
    """Lower a limit, where the system has it and it is not lower already."""
    number = getattr(resource, name, None)
    if number is None:
        return
    _, hard = resource.getrlimit(number)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    try:
        resource.setrlimit(number, (value, value))
    except (ValueError, OSError):  # macOS refuses some; the watch remains
        return
