"""Creates .venv and installs the course into it, once; `make lab` and `make test` call it.

Runs on any Python from 3.6 on, standard library only: it runs before anything is installed.

    python docs/tools/install.py            what a learner needs
    python docs/tools/install.py --test     what `make test` needs as well

A second call finds that pyproject.toml and constraints.txt are the ones that were installed, and
does nothing.
"""

import argparse
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
OLDEST, NEWEST = (3, 11), (3, 13)
NEEDED_GB = 7
VERSION = "{}.{}".format(*sys.version_info[:2])


def stop(problem, remedy):
    """Ends with a message in two sentences: what is wrong, and what to do."""
    sys.exit(f"\n{problem}\n{remedy}\n")


def venv_python():
    """The interpreter inside .venv, which lies elsewhere on Windows."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def suitable_python():
    """This interpreter, or a suitable one from the PATH; ends with a message if there is none."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return sys.executable
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        found = shutil.which("python3." + str(minor))
        works = found and not subprocess.call(
            [found, "-c", "import venv, ensurepip"], stderr=subprocess.DEVNULL
        )
        if works:
            print(f"Python {VERSION} is not supported; using {found}.")
            return found
    stop(
        f"The course needs Python 3.11, 3.12 or 3.13; this is Python {VERSION} ({sys.executable}).",
        "Install one of them (python.org, your system's packages, or conda), then call again; "
        "`make lab PYTHON=/path/to/python3.12` names one.",
    )


def fingerprint(extra):
    """Changes whenever something would have to be installed anew."""
    digest = hashlib.sha256(extra.encode())
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def create_venv(python):
    """Makes .venv, unless a working one is there."""
    if venv_python().exists() and not subprocess.call(
        [str(venv_python()), "-c", "import pip"], stderr=subprocess.DEVNULL
    ):
        return
    if subprocess.call([python, "-c", "import venv, ensurepip"], stderr=subprocess.DEVNULL):
        stop(
            "This Python has no venv module, so no virtual environment can be made.",
            "On Debian and Ubuntu: sudo apt install python3-venv. Elsewhere: install Python from "
            "python.org, or use conda with environment.yml.",
        )
    if VENV.exists():
        shutil.rmtree(str(VENV))
    if subprocess.call([python, "-m", "venv", str(VENV)]):
        stop(
            f"The virtual environment {VENV} could not be made.",
            "See the message above; often the disk is full or the folder is not writable.",
        )


def install(extra):
    """Installs the pinned versions into .venv; ends with a message when pip fails."""
    free_gb = shutil.disk_usage(str(ROOT)).free / 1e9
    if free_gb < NEEDED_GB:
        print(f"Only {free_gb:.1f} GB are free here; the installation needs up to {NEEDED_GB}.")
    print("Installing the course into .venv (some minutes, once) ...", flush=True)
    # A list of packages, not one string: paths may hold spaces.
    command = [str(venv_python()), "-m", "pip", "install", "--disable-pip-version-check"]
    command += ["--constraint", str(ROOT / "constraints.txt")]
    if subprocess.call([*command, "--editable", str(ROOT) + extra]):
        stop(
            "pip could not install the course: its last lines above say what failed.",
            "Usual reasons: no network (connect, then call again: what is there is not fetched "
            f"twice), a proxy (set HTTPS_PROXY), a full disk ({NEEDED_GB} GB are needed).",
        )


def main():
    """Installs what is asked for, unless it is there already."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--test", action="store_true", help="also what the tests need")
    extra = "[test]" if parser.parse_args().test else ""
    # What the tests need includes what a learner needs.
    stamps = {"": VENV / "installed.txt", "[test]": VENV / "installed-test.txt"}
    for installed, stamp in stamps.items():
        if extra in installed and stamp.exists() and stamp.read_text() == fingerprint(installed):
            return
    create_venv(suitable_python())
    install(extra)
    stamps[extra].write_text(fingerprint(extra))


if __name__ == "__main__":
    main()
