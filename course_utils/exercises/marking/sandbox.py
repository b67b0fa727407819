"""Starts a submission's process in an empty folder, watches what it uses, and ends all of it."""

import contextlib
import multiprocessing
import os
import pkgutil
import queue
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psutil

import course_utils.exercises
from course_utils.exercises.marking import wire, worker
from course_utils.exercises.marking.limits import Limits

_LONGEST_ANSWER = 64_000_000
_LOOK_S = 0.2  # a look at all processes takes some milliseconds
_INTERRUPT_S = 2.0
_MOST_FILES = 10_000
_REPOSITORY = Path(course_utils.__file__).parents[1]
# Passed on where they are set; nothing else of the marker's environment is.
_KEPT = ("PATH", "SYSTEMROOT", "LANG", "LC_ALL", "LD_LIBRARY_PATH")
_THREADS = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "MPLBACKEND": "agg"}
# On Linux each process is forked from one that has imported everything: it starts at once.
_CONTEXT = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")
_START_S = 120.0


class Stopped(Exception):  # its name stands in messages for lecturers
    """The submission's process is gone; the message says why."""


class Sandbox:
    """One process for a submission's cells, with an empty folder for its files.

    Args:
        number: of the notebook.
        limits: what it may use.
    """

    def __init__(self, number: int, limits: Limits) -> None:
        """Start the process and its watch.

        Raises:
            RuntimeError: it does not answer; the message says why, where that is known.
        """
        self.limits = limits
        self._number = 0  # of the last request
        self.waiting = False  # for an answer: then the process is busy
        self._why = ""
        self._over = threading.Event()
        self._answers: queue.Queue[bytes] = queue.Queue(4)
        if _CONTEXT.get_start_method() == "forkserver":
            from multiprocessing import forkserver  # Windows has none

            _CONTEXT.set_forkserver_preload(_imports())
            forkserver.ensure_running()
        self._others = {one.pid for one in psutil.Process().children(recursive=True)}
        self._folder = Path(tempfile.mkdtemp(prefix="marking-"))
        home = self._folder / "home"
        home.mkdir()
        if limits.user:
            for folder in (self._folder, home):
                os.chown(folder, limits.user, limits.user)
        self._pipe, other = _CONTEXT.Pipe()
        environment = _environment(self._folder, home)
        self._process = _CONTEXT.Process(
            target=worker.main, args=(other, number, limits, self._folder, environment)
        )
        self._process.start()
        other.close()
        self._threads = [threading.Thread(target=t, daemon=True) for t in (self._read, self._watch)]
        for thread in self._threads:
            thread.start()
        try:
            self._answer(_START_S)
        except (TimeoutError, Stopped) as error:
            self.close()
            raise RuntimeError(f"the sandbox did not start: {error or 'no answer'}") from None

    @property
    def gone(self) -> bool:
        """Whether no answer can come any more."""
        return not self._threads[0].is_alive()

    def request(self, seconds: float, *request: Any) -> Any:
        """Send a request and wait for its answer.

        Args:
            seconds: how long to wait.
            request: what is wanted, and its arguments.

        Returns:
            The answer.

        Raises:
            TimeoutError: it has not come in time; the process is still busy.
            Stopped: there is no process any more.
        """
        self.waiting = True
        self._number += 1
        try:
            self._pipe.send((self._number, *request))
        except OSError:
            self._lost()
        return self._answer(seconds)

    def interrupt(self) -> bool:
        """Interrupt a busy process, as the button of JupyterLab does.

        Returns:
            Whether it answers again.
        """
        if sys.platform == "win32":
            return False
        try:
            os.kill(self._process.pid or 0, signal.SIGINT)
            self._answer(_INTERRUPT_S)
        except (OSError, TimeoutError, Stopped):
            return False
        return True

    def close(self) -> None:
        """End the process, and all that it started, and remove its folder."""
        self._over.set()
        self._end()
        self._process.join(5)
        for thread in self._threads:
            thread.join(5)
        self._pipe.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _answer(self, seconds: float) -> Any:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                answer = wire.unpack(self._answers.get(timeout=0.02))
            except queue.Empty:
                if self.gone and self._answers.empty():
                    self._lost()
                continue
            except wire.UnreadableError as error:
                self._why = self._why or str(error)
                self._lost()
            # Anything else is an answer that came too late, or one that was not asked for.
            known = type(answer) is list and len(answer) == 2 and type(answer[0]) is int
            if known and answer[0] == self._number:
                self.waiting = False
                return answer[1]
        raise TimeoutError

    def _lost(self) -> None:
        """Raise Stopped with the best reason there is."""
        self._process.join(1)
        code = self._process.exitcode
        ended = f"its process ended by itself, with {code}"
        if code is not None and code < 0:
            ended = f"its process was ended by signal {-code}"
        raise Stopped(self._why or ended)

    def _read(self) -> None:
        """Take the answers, as long as they are of a reasonable size."""
        while not self._over.is_set():
            try:
                data = self._pipe.recv_bytes(_LONGEST_ANSWER)
            except EOFError:
                return
            except OSError:  # too long, or the pipe is broken
                self._stop("its answer can't be taken; it may be larger than 64 MB")
                return
            while not self._over.is_set():
                with contextlib.suppress(queue.Full):
                    self._answers.put(data, timeout=0.1)
                    break

    def _watch(self) -> None:
        """Look at memory, processes and files, and end the process when there is too much."""
        looks = 0
        while not self._over.wait(_LOOK_S):
            if not self._process.is_alive():
                # Who ends the server from which it was forked only looks as if it had ended.
                if any(one.pid == self._process.pid for one in self._processes()):
                    self._stop("it ended a process that is not its own")
                return
            looks += 1
            if why := self._too_much(looks % 5 == 0):
                self._stop(why)
                return

    def _too_much(self, files: bool) -> str:
        processes = self._processes()
        if len(processes) > self.limits.processes:
            return f"it started more than {self.limits.processes} processes"
        used = 0
        for process in processes:
            with contextlib.suppress(psutil.Error):
                used += process.memory_info().rss
        if used > self.limits.memory_mb * 1e6:
            return f"it used more than {self.limits.memory_mb} MB of memory"
        if files and (why := self._too_many_files()):
            return why
        return ""

    def _too_many_files(self) -> str:
        size = count = 0
        for folder, _, names in os.walk(self._folder):
            for name in names:
                with contextlib.suppress(OSError):
                    size += os.lstat(Path(folder) / name).st_size
                count += 1
            if size > self.limits.disk_mb * 1e6:
                return f"it wrote more than {self.limits.disk_mb} MB"
            if count > _MOST_FILES:
                return f"it wrote more than {_MOST_FILES} files"
        return ""

    def _stop(self, why: str) -> None:
        self._why = self._why or why
        self._end()

    def _processes(self) -> list[psutil.Process]:
        """All that runs below the judge since the start; on Linux also what has lost its parent."""
        with contextlib.suppress(psutil.Error):
            found = psutil.Process().children(recursive=True)
            return [one for one in found if one.pid not in self._others and self._runs(one)]
        return []

    def _runs(self, process: psutil.Process) -> bool:
        """Whether a process has not ended; one that has, and is ours since, is let go."""
        with contextlib.suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE:
                return True
            if process.pid != self._process.pid and sys.platform != "win32":
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(process.pid, os.WNOHANG)
        return False

    def _end(self) -> None:
        """Halt all, so that none starts another meanwhile, then end them; as often as it takes."""
        for _ in range(100):
            processes = self._processes()
            if not processes:
                break
            for act in (psutil.Process.suspend, psutil.Process.kill):
                for process in processes:
                    with contextlib.suppress(psutil.Error):
                        act(process)
            time.sleep(0.02)


def forget_environment() -> None:
    """Drop the marker's own variables from this process, before it starts any other."""
    for name in set(os.environ) - {*_KEPT, "PYTHONPATH", "HOME", "TMPDIR", "TEMP", "TMP"}:
        del os.environ[name]
    os.environ.update(_THREADS)


def _imports() -> list[str]:
    """What the notebooks import, so that a forked process has it already."""
    # An optimiser imports torch._dynamo at its first step: seconds, of a check that allows five.
    names = ["torch._dynamo", "course_utils.plotting", "course_utils.widgets", worker.__name__]
    package = course_utils.exercises
    found = pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
    return names + [one.name for one in found if one.name.rpartition(".")[2].startswith("nb")]


def _environment(folder: Path, home: Path) -> dict[str, str]:
    """A small environment: nothing of the marker's own, and no way to the network by default."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    places = dict.fromkeys(("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"), str(home))
    return {
        **kept,
        **places,
        **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder)),
        **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "127.0.0.1:9"),
        "USER": "learner",
        "LOGNAME": "learner",
        "PYTHONPATH": str(_REPOSITORY),
        "PYTHONDONTWRITEBYTECODE": "1",
        "COURSE_PROGRESS": str(home / "progress.json"),
        **_THREADS,
    }
