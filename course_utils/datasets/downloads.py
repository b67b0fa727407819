"""Downloads that resume, are checked, and never leave half a corpus where a whole one is expected.

A corpus is looked for in `COURSE_DATA/<name>/`, then in the user's cache folder; what is found is
only read. A download goes into `COURSE_DATA` when that is a folder that can be written, else into
the cache, with its archive, its parts and its lock beside it until it is done.
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import json
import lzma
import os
import re
import shutil
import stat
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import platformdirs

APP = "from-sound-waves-to-speech-recognition"
CHUNK = 64 * 1024
PAUSE_S = 1.0  # before the second try; doubles with each failure, up to half a minute
WORTH_ANOTHER_TRY = {408, 425, 429, 500, 502, 503, 504}
# Audio hardly shrinks: an archive that grows more than this is made to fill the disk.
MAX_GROWTH = 20
MIN_ALLOWANCE = 1_000_000_000
MAX_MEMBERS = 500_000
# What the standard library raises for broken archives; RuntimeError for encrypted ones.
DEVICE = re.compile(r"(?i)con|prn|aux|nul|(com|lpt)[1-9]")
DAMAGE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    gzip.BadGzipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    RuntimeError,
)


@dataclass(frozen=True)
class Source:
    """Where a corpus is published, and what a person should know before downloading it.

    Attributes:
        name: its folder under `COURSE_DATA` or the cache; may have a subfolder ("a/b").
        title: the name people know it by.
        call: the code that downloads it.
        url: the archive.
        filename: what the archive is called in the cache.
        top: the archive's folder that becomes the corpus folder; "" for the archive's root.
        size: bytes of the archive; only announced and checked against the free space.
        unpacked_size: bytes on disk, about.
        licence: the recordings' own licence.
        example: a file that the corpus folder holds, relative to it.
        sha256: of the archive, or None where the publisher does not promise the same bytes twice
            (GitHub packs its archives anew); then the content is checked after unpacking.
    """

    name: str
    title: str
    call: str
    url: str
    filename: str
    top: str
    size: int
    unpacked_size: int
    licence: str
    example: str
    sha256: str | None = None


def cache_folder() -> Path:
    """The user's cache folder of this course; created when something is put there."""
    return Path(platformdirs.user_cache_dir(APP, appauthor=False))


def data_folder() -> Path:
    """The folder that holds the real corpora: `COURSE_DATA` when it is set, else the cache."""
    given = os.environ.get("COURSE_DATA", "").strip()
    return Path(given).expanduser() if given else cache_folder()


def download_folder() -> Path:
    """Where downloads go: `COURSE_DATA` when it is a folder that can be written, else the cache."""
    folder = data_folder()
    return folder if folder.is_dir() and os.access(folder, os.W_OK) else cache_folder()


def corpus_folder(name: str) -> Path:
    """`COURSE_DATA/<name>` when that folder is there, else the place in the user's cache."""
    found = data_folder() / name
    return found if found.is_dir() else cache_folder() / name


def locate(
    source: Source, problem: Callable[[Path], str | None]
) -> tuple[Path | None, dict[Path, str]]:
    """The folder in which a corpus lies complete.

    Args:
        source: the corpus.
        problem: says what is wrong with a folder, or None when it holds the published layout.

    Returns:
        The folder, or None; and for each place that was looked at in vain what is wrong there.
    """
    reasons: dict[Path, str] = {}
    for folder in dict.fromkeys([data_folder() / source.name, cache_folder() / source.name]):
        reason = problem(folder) if folder.is_dir() else "there is no such folder"
        if reason is None:
            return folder, reasons
        reasons[folder] = reason
    return None, reasons


def obtain(
    source: Source,
    problem: Callable[[Path], str | None],
    download: bool,
    check: Callable[[Path], None] | None = None,
) -> Path:
    """The folder of a corpus; downloads it when that is allowed and needed.

    Args:
        source: the corpus.
        problem: see `locate`.
        download: False never touches the network.
        check: called with the unpacked folder before it counts as the corpus; raises ValueError.

    Raises:
        FileNotFoundError: it is not there and `download` is False; the message says how to get it.
        OSError: the download failed, or the corpus that is there is incomplete.
        ValueError: what was downloaded is not the published corpus.
    """
    folder, reasons = locate(source, problem)
    if folder is not None:
        return folder
    cached = download_folder() / source.name
    if not download:
        raise FileNotFoundError(_how_to_get(source, reasons))
    install(source, check)
    if reason := problem(cached):
        raise OSError(
            f"{cached} is not complete: {reason}. Delete that folder, then run {source.call} again."
        )
    return cached


def install(source: Source, check: Callable[[Path], None] | None = None) -> Path:
    """Download, unpack and check a corpus; the archive is deleted afterwards.

    Several processes take turns: the second waits and then uses the first one's corpus.

    Raises:
        OSError: no network, no space; the message says what to do.
        ValueError: the archive is damaged or not the published one. It is deleted.
    """
    cache = download_folder()
    folder = cache / source.name
    with _turn(source.title, cache / "locks" / f"{source.name.replace('/', '-')}.lock"):
        if folder.is_dir():
            return folder
        archive = cache / "archives" / source.filename
        here = sum(path.stat().st_size for path in archive.parent.glob(f"{archive.name}*"))
        _require_space(cache, source.size - here + source.unpacked_size, source.title)
        print(f"{source.title}. Licence: {source.licence}.")
        try:
            fetch(source.url, archive, sha256=source.sha256, size=source.size)
        except OSError as error:
            raise type(error)(f"{error}\n{_by_hand(source)}") from error
        try:
            unpack(archive, folder, top=source.top, check=check)
        except ValueError:
            archive.unlink()
            raise
        archive.unlink()
        print(f"{source.title} is ready in {folder}")
    return folder


def fetch(
    url: str,
    path: str | os.PathLike[str],
    sha256: str | None = None,
    size: int | None = None,
    timeout_s: float = 30.0,
    tries: int = 5,
) -> Path:
    """Download one file; go on where an earlier try stopped; check it; put it in place at once.

    The bytes gather in `<path>.part`. A later call asks the server for the rest (RFC 9110, Range
    with If-Range) and starts anew when the server cannot do that or the file has changed. A file
    that is already at `path` is checked and used. Processes take turns.

    Args:
        url: http or https.
        path: where the file goes; folders are created.
        sha256: expected hash, in hexadecimal; None leaves the content unchecked.
        size: expected bytes, announced until the server tells its own number.
        timeout_s: longest silence of the server, in seconds.
        tries: how often to try in a row without receiving anything new.

    Returns:
        The path.

    Raises:
        ConnectionError: no network, the server refused, or it failed `tries` times.
        OSError: the disk is full, or the file's hash is wrong.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _turn(path.name, path.with_name(f".{path.name}.lock")), _disk_full_explained(path):
        if path.exists():
            if sha256 is not None and (got := file_sha256(path)) != sha256:
                raise OSError(
                    f"{path} is not the published file: its SHA-256 is {got}, expected {sha256}. "
                    "Delete it and run again."
                )
            return path
        part = path.with_name(f"{path.name}.part")
        joined = _receive(url, part, size, timeout_s, tries)
        if joined and sha256 is not None and file_sha256(part) != sha256:
            print("The pieces do not fit together: downloading once more from the start.")
            _drop(part)
            _receive(url, part, size, timeout_s, tries)
        if sha256 is not None and (got := file_sha256(part)) != sha256:
            _drop(part)
            raise OSError(
                f"{url} is not the expected file: its SHA-256 is {got}, expected {sha256}. It was "
                "deleted. A login page or proxy may have answered instead of the server: open the "
                "address in a browser, then run again."
            )
        part.replace(path)
        _note_of(part).unlink(missing_ok=True)
    return path


def unpack(
    archive: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    top: str = "",
    check: Callable[[Path], None] | None = None,
) -> Path:
    """Unpack a tar (any compression) or zip; `folder` appears only when all of it is right.

    Only plain files and folders are accepted, with names that stay inside. Links, devices,
    absolute paths, "..", names that Windows reads differently, a name twice, and archives that
    would grow absurdly (MAX_GROWTH, MAX_MEMBERS) are refused. Rights and owners are ignored.

    Args:
        archive: the file.
        folder: must not exist; its parent folders are created.
        top: only this folder of the archive is kept, and becomes `folder`.
        check: called with the unpacked folder before it gets its name; raises ValueError.

    Returns:
        The folder.

    Raises:
        ValueError: the archive is damaged or refused; the message names archive and entry.
        OSError: the folder exists, or the disk is full.
    """
    archive, folder = Path(archive), Path(folder)
    if folder.exists():
        raise FileExistsError(f"{folder} exists already: delete it to unpack {archive.name} again.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Beside its destination, so that the last step is a rename, which happens wholly or not at all.
    half = folder.with_name(f".{folder.name}.unpacking")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir()
    try:
        with _disk_full_explained(folder):
            _write_members(archive, half)
        root = half / top
        if not root.is_dir():
            raise ValueError(f"{archive.name} has no folder {top!r}: it is not the published one.")
        if check is not None:
            check(root)
        root.replace(folder)
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return folder


def file_sha256(path: str | os.PathLike[str]) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def readable_size(size: int) -> str:
    """Bytes for people, in steps of a thousand: 16000000 is "16 MB"."""
    value = float(size)
    for unit in ("bytes", "kB", "MB"):
        if value < 999.5:
            return f"{value:.0f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


class _TryAgainError(Exception):
    """This request failed in a way that another one may not."""


@contextmanager
def _turn(what: str, lock_path: Path) -> Iterator[None]:
    """Hold a lock between processes; the system frees it when its holder is killed."""
    from filelock import FileLock, Timeout

    lock_path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(lock_path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"Another notebook is downloading {what}: waiting for it.")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _disk_full_explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise OSError(
            f"The disk of {path.parent} is full. Free some space and run again: a download goes on "
            "where it stopped. Or unpack the corpus by hand on another disk and set COURSE_DATA."
        ) from error


def _require_space(folder: Path, needed: int, what: str) -> None:
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise OSError(
            f"{what} needs {readable_size(needed)} of disk space, {folder} has "
            f"{readable_size(free)} left. Free some space and run again, or unpack the corpus by "
            "hand on another disk and set COURSE_DATA."
        )


def _how_to_get(source: Source, reasons: dict[Path, str]) -> str:
    looked = "; ".join(f"{folder}: {reason}" for folder, reason in reasons.items())
    return (
        f"{source.title} is not on this machine ({looked}).\n"
        f"{source.call} downloads it once: {readable_size(source.size)} from "
        f"{urlsplit(source.url).netloc}, {readable_size(source.unpacked_size)} on disk. "
        f"Licence: {source.licence}.\n{_by_hand(source)}"
    )


def _by_hand(source: Source) -> str:
    inside = f"what is in its folder {source.top}" if source.top else "its content"
    return (
        f"By hand: download {source.url} and unpack it. Put {inside} into FOLDER/{source.name} (so "
        f"that there is FOLDER/{source.name}/{source.example}), and set the environment variable "
        "COURSE_DATA to FOLDER before you start JupyterLab."
    )


def _note_of(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _drop(part: Path) -> None:
    part.unlink(missing_ok=True)
    _note_of(part).unlink(missing_ok=True)


def _read_note(part: Path, url: str) -> dict[str, str | int | None]:
    """What is known about a partial file: its version's name and whole length; {} if unusable."""
    try:
        note = json.loads(_note_of(part).read_text(encoding="utf-8"))
        usable = part.is_file() and note["url"] == url and note["version"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return note if usable else {}


def _receive(url: str, part: Path, size: int | None, timeout_s: float, tries: int) -> bool:
    """Fill `part`, over as many requests as it takes; True if it was joined from several."""
    # Here, not above: a notebook that downloads nothing need not wait for their import.
    import requests
    import urllib3

    host = urlsplit(url).netloc
    failures, furthest, joined = 0, 0, False
    while True:
        joined |= part.is_file()
        try:
            _receive_once(url, part, size, timeout_s)
            return joined
        except requests.exceptions.SSLError as error:
            raise ConnectionError(
                f"No secure connection to {host} ({error}). A proxy or a wrong clock can be the "
                f"cause. {_save_it_as(url, part)}"
            ) from error
        except (requests.Timeout, urllib3.exceptions.TimeoutError) as error:
            cause, reason = error, f"{host} was silent for {timeout_s:g} s"
        except requests.ConnectionError as error:
            cause, reason = error, f"there is no connection to {host}"
        except urllib3.exceptions.HTTPError as error:
            cause, reason = error, f"the connection to {host} was cut"
        except _TryAgainError as error:
            cause, reason = error, str(error)
        have = part.stat().st_size if part.is_file() else 0
        failures = 1 if have > furthest else failures + 1
        furthest = max(furthest, have)
        if failures >= tries:
            raise ConnectionError(
                f"Could not download {url}: {reason}, {failures} times in a row. Check the network "
                f"and run again: it goes on from {readable_size(have)}. {_save_it_as(url, part)}"
            ) from cause
        pause_s = min(PAUSE_S * 2 ** (failures - 1), 30.0)
        print(f"Download interrupted: {reason}. Trying again in {pause_s:g} s.")
        time.sleep(pause_s)


def _save_it_as(url: str, part: Path) -> str:
    return f"Or download {url} with a browser, save it as {part.with_suffix('')}, and run again."


def _receive_once(url: str, part: Path, size: int | None, timeout_s: float) -> None:
    import requests
    from tqdm.auto import tqdm

    note = _read_note(part, url)
    have = part.stat().st_size if note else 0
    if have and have == note.get("total"):
        return  # killed between the last byte and the check
    # Without "identity" some servers wrap a .tar.gz in a second gzip, and offsets would be those of
    # another file.
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers |= {"Range": f"bytes={have}-", "If-Range": str(note["version"])}
    with requests.get(url, headers=headers, stream=True, timeout=timeout_s) as response:
        status = f"{urlsplit(url).netloc} answered {response.status_code} {response.reason}"
        if response.status_code in WORTH_ANOTHER_TRY:
            raise _TryAgainError(status)
        total: int | None
        if response.status_code == 206:
            span = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", ""))
            if span is None or (int(span[1]), int(span[2])) != (have, note.get("total")):
                _drop(part)
                raise _TryAgainError("the server sent another part than the one asked for")
            total = int(span[2])
        elif response.status_code == 200:
            if have:
                print("The server sends the whole file again (it changed, or cannot resume).")
            have = 0
            length = response.headers.get("Content-Length", "")
            total = int(length) if length.isdecimal() else None
            _drop(part)
            _write_note(part, url, response.headers, total)
        elif response.status_code == 416:
            _drop(part)
            raise _TryAgainError("the server's file is shorter than what is here already")
        else:
            raise ConnectionError(
                f"Could not download {url}: {status}. The file may have moved. "
                f"{_save_it_as(url, part)}"
            )
        whole = size if total is None else total
        told = "size unknown" if whole is None else readable_size(whole)
        begin = f", from {readable_size(have)} on" if have else ""
        print(f"Downloading {part.stem} ({told}{begin}) to {part.parent}")
        _require_space(part.parent, (whole or 0) - have, part.stem)
        bar = tqdm(total=whole, initial=have, unit="B", unit_scale=True, desc=part.stem)
        with part.open("ab") as file, bar:
            for chunk in response.raw.stream(CHUNK, decode_content=False):
                file.write(chunk)
                bar.update(len(chunk))
    received = part.stat().st_size  # urllib3 before 2 takes a cut for the end
    if total is not None and received < total:
        raise _TryAgainError(f"only {received:,} of {total:,} bytes came")


def _write_note(part: Path, url: str, headers: Mapping[str, str], total: int | None) -> None:
    # RFC 9110, 13.1.5: only a strong validator may join two parts of a file.
    etag = headers.get("ETag", "")
    version = etag if etag and not etag.startswith("W/") else headers.get("Last-Modified")
    note = {"url": url, "version": version, "total": total}
    _note_of(part).write_text(json.dumps(note), encoding="utf-8")


def _write_members(archive: Path, folder: Path) -> None:
    from tqdm.auto import tqdm

    allowance = max(MIN_ALLOWANCE, MAX_GROWTH * archive.stat().st_size)
    written = 0
    try:
        with tqdm(desc=f"unpacking {archive.name}", unit=" files") as bar:
            for number, (name, size, source) in enumerate(_members(archive), 1):
                written += size
                if number > MAX_MEMBERS or written > allowance:
                    raise ValueError(
                        f"{archive.name} would unpack to more than {MAX_MEMBERS:,} files or "
                        f"{readable_size(allowance)}: it is not the published archive. Nothing of "
                        "it was kept."
                    )
                target = folder.joinpath(*_safe_parts(archive, name))
                if source is None:
                    target.mkdir(parents=True, exist_ok=True)
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                with closing(source), target.open("xb") as file:
                    shutil.copyfileobj(source, file, CHUNK)
                bar.update()
    except (FileExistsError, NotADirectoryError) as error:
        raise ValueError(
            f"{archive.name} holds {name!r} twice, or as a file and as a folder: it is not the "
            "published archive."
        ) from error
    except DAMAGE as error:
        raise ValueError(f"{archive.name} is damaged ({error}). Download it again.") from error


def _members(archive: Path) -> Iterator[tuple[str, int, IO[bytes] | None]]:
    """Name, size and content of each entry; None for a folder's content."""
    if tarfile.is_tarfile(archive):
        with tarfile.open(archive) as tar:
            for member in tar:
                if not (member.isdir() or member.isreg()):
                    raise _refused(archive, member.name, "is a link or a device")
                yield member.name, member.size, tar.extractfile(member)
    elif zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as bundle:
            for entry in bundle.infolist():
                kind = stat.S_IFMT(entry.external_attr >> 16)
                if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                    raise _refused(archive, entry.filename, "is a link or a device")
                content = None if entry.is_dir() else bundle.open(entry)
                yield entry.filename, entry.file_size, content
    else:
        raise ValueError(
            f"{archive.name} is neither a tar nor a zip archive, or its beginning is damaged. A "
            "login page or proxy may have answered instead of the server: open its address in a "
            "browser, then run again."
        )


def _safe_parts(archive: Path, name: str) -> list[str]:
    # Windows takes "\" for a separator and ":" for a drive or a stream: refused everywhere.
    if name.startswith("/") or any(mark in name for mark in "\\:\0") or ".." in name.split("/"):
        raise _refused(archive, name, "leads out of its folder")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    # Nor can Windows make a file of these names, or one that ends in a dot or a space.
    if any(part[-1] in ". " or DEVICE.fullmatch(part.partition(".")[0]) for part in parts):
        raise _refused(archive, name, "is no file name on Windows")
    return parts


def _refused(archive: Path, name: str, why: str) -> ValueError:
    return ValueError(
        f"{archive.name} has an entry that {why}: {name!r}. It is not the published archive; "
        "nothing of it was kept."
    )
