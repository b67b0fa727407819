"""Fetch the JavaScript of the slides and the site once, at pinned versions, checked by SHA-512.

    python docs/tools/vendor.py        # all packages of vendor.json into the user's cache

`copy` then puts a package's files wherever a build needs them, without any network. Packages come
through npm where it is installed, so that its registry, proxy and credentials are used; without
npm, from the registry that the environment variable `npm_config_registry` names.
"""

from __future__ import annotations

import base64
import fnmatch
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from filelock import FileLock

from course_utils.datasets.downloads import cache_folder

PINS = Path(__file__).with_suffix(".json")
TIMEOUT_S = 120


class VendorError(Exception):
    """A package could not be fetched, or is not the one that was pinned."""


@dataclass(frozen=True)
class Pin:
    """One npm package: which version, the hash of its archive, the files that are wanted."""

    name: str
    version: str
    integrity: str
    files: tuple[str, ...]

    @property
    def archive(self) -> Path:
        """Where the package lies in the user's cache."""
        flat = self.name.replace("@", "").replace("/", "-")
        return cache_folder() / "javascript" / f"{flat}-{self.version}.tgz"


def pins() -> dict[str, Pin]:
    """Every package of vendor.json, by name."""
    entries = json.loads(PINS.read_text(encoding="utf-8"))
    return {
        name: Pin(name, entry["version"], entry["integrity"], tuple(entry["files"]))
        for name, entry in entries.items()
    }


def copy(names: Sequence[str], folder: Path) -> None:
    """Put the files of some packages into `folder/NAME/`, fetching those not in the cache.

    Args:
        names: packages of vendor.json.
        folder: existing or not; a package's folder in it is replaced.

    Raises:
        KeyError: vendor.json has no such package.
        VendorError: a package is not in the cache and could not be fetched, or its hash is wrong.
    """
    known = pins()
    for name in names:
        pin = known[name]
        place = folder / name
        if place.exists():
            shutil.rmtree(place)
        extract(fetch(pin), pin, place)


def fetch(pin: Pin) -> bytes:
    """A package's archive, from the cache or from the registry; verified each time."""
    pin.archive.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{pin.archive}.lock"):  # two builds at a time fetch once
        if pin.archive.exists() and is_intact(pin.archive.read_bytes(), pin.integrity):
            return pin.archive.read_bytes()
        print(f"fetching {pin.name} {pin.version}", file=sys.stderr, flush=True)
        content = download(pin)
        if not is_intact(content, pin.integrity):
            raise VendorError(
                f"{pin.name} {pin.version} from the registry is not the pinned file: its SHA-512 "
                f"differs from the one in {PINS.name}. Nothing was kept. A registry that serves "
                "changed packages should not be used; ask whoever runs it."
            )
        partial = pin.archive.with_suffix(".part")
        partial.write_bytes(content)
        partial.replace(pin.archive)
        return content


def is_intact(content: bytes, integrity: str) -> bool:
    """Whether bytes have the hash that npm writes as `sha512-BASE64`."""
    digest = base64.b64encode(hashlib.sha512(content).digest()).decode("ascii")
    return integrity == f"sha512-{digest}"


def download(pin: Pin) -> bytes:
    """The archive by npm, or else from the registry that npm_config_registry names."""
    npm = shutil.which("npm")
    variables = {name.lower(): value for name, value in os.environ.items()}
    registry = variables.get("npm_config_registry")
    if npm:
        return _by_npm(npm, pin)
    if registry:
        return _by_address(registry, pin)
    raise VendorError(
        f"{pin.name} {pin.version} is not in the cache ({pin.archive.parent}) and npm is not "
        "installed. Install Node.js, which brings npm, or set the environment variable "
        "npm_config_registry to the address of an npm registry, and call again."
    )


def _by_npm(npm: str, pin: Pin) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", f"{pin.name}@{pin.version}", "--pack-destination", folder]
        try:
            done = subprocess.run(
                [*command, "--ignore-scripts", "--loglevel", "error"],
                cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
            )  # fmt: skip
            said = done.stderr.strip()
        except subprocess.TimeoutExpired:
            said = f"no answer in {TIMEOUT_S} s"
        archives = list(Path(folder).glob("*.tgz"))
        if len(archives) == 1:
            return archives[0].read_bytes()
    raise VendorError(
        f"npm could not fetch {pin.name} {pin.version}: {said[-500:]}\nWithout a network, call "
        "again where there is one; what was fetched once is kept."
    )


def _by_address(registry: str, pin: Pin) -> bytes:
    if not registry.startswith(("https://", "http://")):
        raise VendorError(f"npm_config_registry must be a web address, got {registry!r}")
    base = pin.name.rsplit("/", 1)[-1]
    url = f"{registry.rstrip('/')}/{pin.name}/-/{base}-{pin.version}.tgz"
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:
            content: bytes = answer.read()
    except (urllib.error.URLError, TimeoutError, OSError) as error:
        raise VendorError(
            f"{pin.name} {pin.version} could not be fetched from npm_config_registry: {error}. "
            "Check the address and the network, then call again."
        ) from error
    return content


def extract(archive: bytes, pin: Pin, folder: Path) -> None:
    """Write the wanted files of an npm archive; each pattern must find one."""
    found: set[str] = set()
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        for member in tar:
            inner = PurePosixPath(*PurePosixPath(member.name).parts[1:])  # without "package/"
            hits = {p for p in pin.files if fnmatch.fnmatchcase(str(inner), p)}
            if not member.isfile() or not hits or ".." in inner.parts:
                continue
            found |= hits
            target = folder / inner
            target.parent.mkdir(parents=True, exist_ok=True)
            content = tar.extractfile(member)
            assert content is not None
            target.write_bytes(content.read())
    missing = sorted(set(pin.files) - found)
    if missing:
        raise VendorError(f"{pin.name} {pin.version} holds no {', '.join(missing)}")


def main() -> int:
    """Fetch everything that is not in the cache; returns 1 when something is missing."""
    try:
        for pin in pins().values():
            fetch(pin)
    except VendorError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(pins())} packages are in {cache_folder() / 'javascript'}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
