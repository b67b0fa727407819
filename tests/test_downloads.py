"""Downloads against a local server that misbehaves, and archives that are not what they say."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import io
import re
import shutil
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.datasets import downloads
from tests.http_server import Fault, Server

CONTENT = bytes(i * 7 % 251 for i in range(1_000_000))
SHA256 = hashlib.sha256(CONTENT).hexdigest()
OTHER = bytes(len(CONTENT))


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, no COURSE_DATA, no proxy, and hardly a pause between two tries."""
    monkeypatch.setattr(downloads, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(downloads, "PAUSE_S", 0.01)
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "cache"


def leftovers(folder: Path) -> list[str]:
    """What lies in a folder, locks apart."""
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


class TestFetch:
    def test_whole_file(
        self, server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "new" / "a.bin"
        assert downloads.fetch(server.publish("/a", CONTENT), path, SHA256) == path
        assert path.read_bytes() == CONTENT
        assert leftovers(path.parent) == ["a.bin"]
        told = capsys.readouterr()
        assert "a.bin (1 MB)" in told.out
        assert "100%" in told.err

    def test_file_in_place_is_checked_and_not_asked_for(
        self, server: Server, tmp_path: Path
    ) -> None:
        path = tmp_path / "a.bin"
        path.write_bytes(CONTENT)
        downloads.fetch(server.publish("/a", OTHER), path, SHA256)
        assert server.answers == []
        path.write_bytes(OTHER)
        with pytest.raises(OSError, match=f"{hashlib.sha256(OTHER).hexdigest()}, expected"):
            downloads.fetch(server.url("/a"), path, SHA256)
        assert path.read_bytes() == OTHER  # a person put it there: it is theirs to delete

    def test_404_is_told_at_once(self, server: Server, tmp_path: Path) -> None:
        with pytest.raises(ConnectionError, match=r"404 Not Found.*save it as .*a\.bin,"):
            downloads.fetch(server.url("/a"), tmp_path / "a.bin")
        assert len(server.answers) == 1
        assert leftovers(tmp_path) == []

    def test_500_twice_then_fine(
        self, server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        url = server.publish("/a", CONTENT, [Fault(status=500), Fault(status=503)])
        downloads.fetch(url, tmp_path / "a.bin", SHA256)
        assert [answer.status for answer in server.answers] == [500, 503, 200]
        assert "answered 503" in capsys.readouterr().out

    def test_500_for_ever(self, server: Server, tmp_path: Path) -> None:
        url = server.publish("/a", CONTENT, [Fault(status=500)] * 9)
        with pytest.raises(ConnectionError, match=r"500 .*, 3 times in a row.*run again"):
            downloads.fetch(url, tmp_path / "a.bin", SHA256, tries=3)
        assert len(server.answers) == 3

    @pytest.mark.parametrize("known", [SHA256, None])
    def test_cut_at_60_percent_resumes(
        self, server: Server, tmp_path: Path, known: str | None
    ) -> None:
        url = server.publish("/a", CONTENT, [Fault(cut_at=0.6)])
        downloads.fetch(url, tmp_path / "a.bin", known)
        assert (tmp_path / "a.bin").read_bytes() == CONTENT
        first, second = server.answers
        assert (first.status, first.sent) == (200, 600_000)
        assert (second.status, second.range, second.if_range) == (206, "bytes=600000-", '"one"')
        assert second.sent == 400_000

    def test_next_call_resumes(self, server: Server, tmp_path: Path) -> None:
        url = server.publish("/a", CONTENT, [Fault(cut_at=0.6)])
        with pytest.raises(ConnectionError, match="goes on from 600 kB"):
            downloads.fetch(url, tmp_path / "a.bin", SHA256, tries=1)
        assert leftovers(tmp_path) == ["a.bin.part", "a.bin.part.json"]
        downloads.fetch(url, tmp_path / "a.bin", SHA256)
        assert [answer.sent for answer in server.answers] == [600_000, 400_000]

    def test_progress_counts_as_success(self, server: Server, tmp_path: Path) -> None:
        url = server.publish("/a", CONTENT, [Fault(cut_at=0.3)] * 7)
        downloads.fetch(url, tmp_path / "a.bin", SHA256, tries=2)
        assert sum(answer.sent for answer in server.answers) == len(CONTENT)

    def test_no_range_support(self, server: Server, tmp_path: Path) -> None:
        url = server.publish("/a", CONTENT, [Fault(cut_at=0.6)], ranges=False)
        downloads.fetch(url, tmp_path / "a.bin", SHA256)
        assert (tmp_path / "a.bin").read_bytes() == CONTENT
        assert [answer.sent for answer in server.answers] == [600_000, 1_000_000]

    def test_always_cut_without_range_support_ends(self, server: Server, tmp_path: Path) -> None:
        url = server.publish("/a", CONTENT, [Fault(cut_at=0.6)] * 20, ranges=False)
        with pytest.raises(ConnectionError, match="3 times in a row"):
            downloads.fetch(url, tmp_path / "a.bin", SHA256, tries=3)
        assert len(server.answers) == 3

    def test_no_length_and_no_range_as_github_packs_archives(
        self, server: Server, tmp_path: Path
    ) -> None:
        weak = 'W/"one"'
        url = server.publish(
            "/a", CONTENT, [Fault(cut_at=0.6)], ranges=False, etag=weak, length=False
        )
        downloads.fetch(url, tmp_path / "a.bin", size=1_000_000)
        assert (tmp_path / "a.bin").read_bytes() == CONTENT
        assert [answer.range for answer in server.answers] == [None, None]

    def test_changed_between_parts(self, server: Server, tmp_path: Path) -> None:
        url = server.publish("/a", OTHER, [Fault(cut_at=0.6)])
        with pytest.raises(ConnectionError):
            downloads.fetch(url, tmp_path / "a.bin", tries=1)
        server.publish("/a", CONTENT, etag='"two"')
        downloads.fetch(url, tmp_path / "a.bin")
        assert (tmp_path / "a.bin").read_bytes() == CONTENT
        assert server.answers[-1].status == 200

    def test_changed_behind_a_lying_etag(
        self, server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        url = server.publish("/a", OTHER, [Fault(cut_at=0.6)])
        with pytest.raises(ConnectionError):
            downloads.fetch(url, tmp_path / "a.bin", SHA256, tries=1)
        server.publish("/a", CONTENT)
        downloads.fetch(url, tmp_path / "a.bin", SHA256)
        assert (tmp_path / "a.bin").read_bytes() == CONTENT
        assert "once more from the start" in capsys.readouterr().out

    def test_shorter_file_than_the_part(self, server: Server, tmp_path: Path) -> None:
        url = server.publish("/a", OTHER, [Fault(cut_at=0.6)])
        with pytest.raises(ConnectionError):
            downloads.fetch(url, tmp_path / "a.bin", tries=1)
        server.publish("/a", CONTENT[:500_000])
        downloads.fetch(url, tmp_path / "a.bin")
        assert (tmp_path / "a.bin").read_bytes() == CONTENT[:500_000]
        assert [answer.status for answer in server.answers] == [200, 416, 200]

    def test_another_part_than_asked_for(self, server: Server, tmp_path: Path) -> None:
        lie = Fault(headers={"Content-Range": "bytes 0-399999/1000000"})
        url = server.publish("/a", CONTENT, [Fault(cut_at=0.6), lie])
        downloads.fetch(url, tmp_path / "a.bin")
        assert (tmp_path / "a.bin").read_bytes() == CONTENT
        assert [answer.status for answer in server.answers] == [200, 206, 200]

    def test_part_of_another_address_is_not_used(self, server: Server, tmp_path: Path) -> None:
        url = server.publish("/b", OTHER, [Fault(cut_at=0.6)])
        with pytest.raises(ConnectionError):
            downloads.fetch(url, tmp_path / "a.bin", tries=1)
        downloads.fetch(server.publish("/a", CONTENT), tmp_path / "a.bin")
        assert (tmp_path / "a.bin").read_bytes() == CONTENT

    @pytest.mark.parametrize("note", ["", "[]", '{"url": 1}', "{"])
    def test_broken_note_starts_anew(self, server: Server, tmp_path: Path, note: str) -> None:
        url = server.publish("/a", CONTENT, [Fault(cut_at=0.6)])
        with pytest.raises(ConnectionError):
            downloads.fetch(url, tmp_path / "a.bin", tries=1)
        (tmp_path / "a.bin.part.json").write_text(note, encoding="utf-8")
        downloads.fetch(url, tmp_path / "a.bin", SHA256)
        assert (tmp_path / "a.bin").read_bytes() == CONTENT

    def test_wrong_bytes(self, server: Server, tmp_path: Path) -> None:
        url = server.publish("/a", OTHER)
        got = hashlib.sha256(OTHER).hexdigest()
        with pytest.raises(OSError, match=rf"{got}, expected {SHA256}.*run again"):
            downloads.fetch(url, tmp_path / "a.bin", SHA256)
        assert leftovers(tmp_path) == []

    def test_gzip_bytes_stay_as_published(self, server: Server, tmp_path: Path) -> None:
        """A server that calls a .tar.gz "Content-Encoding: gzip" must not make us unpack it."""
        url = server.publish("/a", CONTENT, [Fault(headers={"Content-Encoding": "gzip"})])
        downloads.fetch(url, tmp_path / "a.bin", SHA256)

    def test_silent_server(self, server: Server, tmp_path: Path) -> None:
        url = server.publish("/a", CONTENT, [Fault(hang_at=0.6)])
        downloads.fetch(url, tmp_path / "a.bin", SHA256, timeout_s=0.3)
        first, second = server.answers
        assert first.sent == 600_000
        # What did not fill a chunk when the silence began is asked for again.
        assert 400_000 <= second.sent <= 400_000 + downloads.CHUNK
        silence = threading.Event()
        url = server.publish("/b", CONTENT, [Fault(hold=silence)] * 2)
        with pytest.raises(ConnectionError, match=r"silent for 0\.2 s, 2 times"):
            downloads.fetch(url, tmp_path / "b.bin", timeout_s=0.2, tries=2)
        silence.set()

    def test_offline(self, tmp_path: Path) -> None:
        with Server() as gone:
            url = gone.publish("/a", CONTENT)
        with pytest.raises(ConnectionError, match=r"no connection to 127.*Check the network"):
            downloads.fetch(url, tmp_path / "a.bin", tries=2)

    def test_disk_too_small(
        self, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        usage = shutil.disk_usage(tmp_path)._replace(free=999_999)
        monkeypatch.setattr(downloads.shutil, "disk_usage", lambda _: usage)
        with pytest.raises(OSError, match=r"needs 1 MB of disk space.*Free some"):
            downloads.fetch(server.publish("/a", CONTENT), tmp_path / "a.bin")

    def test_disk_full_on_the_way(
        self, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real_open = Path.open

        class Full(io.FileIO):
            def write(self, chunk: bytes) -> int:
                if self.tell() > 400_000:
                    raise OSError(errno.ENOSPC, "No space left on device")
                return super().write(chunk)

        def small_disk(path: Path, mode: str = "r", *args: object, **options: object) -> object:
            if path.suffix == ".part" and mode == "ab":
                return Full(path, "ab")
            return real_open(path, mode, *args, **options)

        url = server.publish("/a", CONTENT)
        with monkeypatch.context() as patch:
            patch.setattr(Path, "open", small_disk)
            with pytest.raises(
                OSError, match=rf"disk of {re.escape(str(tmp_path))} is full.*COURSE_DATA"
            ):
                downloads.fetch(url, tmp_path / "a.bin", SHA256)
        have = (tmp_path / "a.bin.part").stat().st_size
        assert have > 0
        downloads.fetch(url, tmp_path / "a.bin", SHA256)
        assert server.answers[-1].range == f"bytes={have}-"

    def test_two_processes_one_download(self, server: Server, tmp_path: Path) -> None:
        both_are_here = threading.Event()
        url = server.publish("/a", CONTENT, [Fault(hold=both_are_here)])
        path = tmp_path / "a.bin"
        first = start_fetch(url, path)
        wait_until(lambda: server.arrivals)
        second = start_fetch(url, path)
        assert second.stdout is not None
        told = second.stdout.readline()
        assert told == "Another notebook is downloading a.bin: waiting for it.\n"
        both_are_here.set()
        assert "Another notebook" not in first.communicate(timeout=60)[0]
        second.communicate(timeout=60)
        assert first.returncode == second.returncode == 0
        assert len(server.arrivals) == 1
        assert path.read_bytes() == CONTENT

    def test_killed_then_resumed(self, server: Server, tmp_path: Path) -> None:
        url = server.publish("/a", CONTENT, [Fault(hang_at=0.6)])
        process = start_fetch(url, tmp_path / "a.bin")
        part = tmp_path / "a.bin.part"
        wait_until(lambda: part.is_file() and part.stat().st_size)
        process.kill()
        process.communicate(timeout=60)
        have = part.stat().st_size
        assert 0 < have <= 600_000
        assert not (tmp_path / "a.bin").exists()
        downloads.fetch(url, tmp_path / "a.bin", SHA256)
        assert (tmp_path / "a.bin").read_bytes() == CONTENT
        assert server.answers[-1].range == f"bytes={have}-"

    def test_killed_before_the_check(self, server: Server, tmp_path: Path) -> None:
        url = server.publish("/a", CONTENT, [Fault(cut_at=0.6)])
        with pytest.raises(ConnectionError):
            downloads.fetch(url, tmp_path / "a.bin", tries=1)
        (tmp_path / "a.bin.part").write_bytes(CONTENT)
        downloads.fetch(url, tmp_path / "a.bin", SHA256)
        assert len(server.answers) == 1


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


def start_fetch(url: str, path: Path) -> subprocess.Popen[str]:
    code = (
        "import sys; from course_utils.datasets import downloads;"
        "downloads.fetch(sys.argv[1], sys.argv[2], sys.argv[3])"
    )
    return subprocess.Popen(
        [sys.executable, "-u", "-c", code, url, str(path), SHA256],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
        cwd=Path(__file__).parents[1],
    )


def tar_of(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def zip_of(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as bundle:
        for name, content in members:
            bundle.writestr(name, content)
    return path


def refused(archive: Path, match: str) -> None:
    """The archive is refused, and nothing of it lies anywhere."""
    out = archive.parent / "out"
    out.mkdir()
    with pytest.raises(ValueError, match=match):
        downloads.unpack(archive, out / "corpus")
    assert list(out.iterdir()) == []
    assert sorted(path.name for path in archive.parent.iterdir()) == sorted([archive.name, "out"])


class TestUnpack:
    @pytest.mark.parametrize("kind", ["tar", "zip"])
    def test_top_folder_becomes_the_corpus(self, tmp_path: Path, kind: str) -> None:
        files = {"./set-1/readme": b"r", "./set-1/a/b.wav": b"wave", "./other/c": b""}
        if kind == "tar":
            folder = (entry("./set-1", tarfile.DIRTYPE), b"")
            archive = tar_of(tmp_path / "a", folder, *((entry(n), c) for n, c in files.items()))
        else:
            archive = zip_of(tmp_path / "a", ("set-1/", b""), *files.items())
        folder = downloads.unpack(archive, tmp_path / "new" / "corpus", top="set-1")
        assert {p.relative_to(folder).as_posix() for p in folder.rglob("*")} == {
            "readme",
            "a",
            "a/b.wav",
        }
        assert (folder / "a" / "b.wav").read_bytes() == b"wave"
        assert [p.name for p in folder.parent.iterdir()] == ["corpus"]

    @pytest.mark.parametrize(
        "name",
        [
            "../evil",
            "a/../../evil",
            "/evil",
            "C:/evil",
            "a\\..\\evil",
            "..",
            "a:stream",
            "nul",
            "COM1.wav",
            "a. ",
        ],
    )
    @pytest.mark.parametrize("kind", ["tar", "zip"])
    def test_names_that_lead_out(self, tmp_path: Path, name: str, kind: str) -> None:
        if kind == "tar":
            archive = tar_of(tmp_path / "a", (entry("ok"), b"ok"), (entry(name), b"evil"))
        else:
            archive = zip_of(tmp_path / "a", ("ok", b"ok"), (name, b"evil"))
        refused(
            archive,
            r"an entry that (leads out of its folder|is no file name on).*nothing of it was kept",
        )

    @pytest.mark.parametrize(
        ("kind", "target"),
        [
            (tarfile.SYMTYPE, "../.."),
            (tarfile.SYMTYPE, "/etc"),
            (tarfile.SYMTYPE, "ok"),
            (tarfile.LNKTYPE, "../../secret"),
            (tarfile.FIFOTYPE, ""),
            (tarfile.CHRTYPE, ""),
        ],
    )
    def test_tar_links_and_devices(self, tmp_path: Path, kind: bytes, target: str) -> None:
        door = (entry("door", kind, target), b"")
        through = (entry("door/evil"), b"evil")
        refused(tar_of(tmp_path / "a", (entry("ok"), b"ok"), door, through), "link or a device")

    def test_zip_symlink(self, tmp_path: Path) -> None:
        link = zipfile.ZipInfo("door")
        link.external_attr = 0o120777 << 16
        refused(zip_of(tmp_path / "a", (link, b"../.."), ("door/evil", b"")), "link or a device")

    def test_name_twice_and_file_as_folder(self, tmp_path: Path) -> None:
        twice = tar_of(tmp_path / "a", (entry("x"), b"1"), (entry("x"), b"2"))
        refused(twice, "'x' twice")
        shutil.rmtree(tmp_path / "out")
        refused(tar_of(tmp_path / "a", (entry("x"), b"1"), (entry("x/y"), b"2")), "'x/y' twice")

    def test_bombs(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(downloads, "MIN_ALLOWANCE", 1_000_000)
        bomb = tmp_path / "a"
        with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as bundle:
            bundle.writestr("zeros", bytes(5_000_000))
        refused(bomb, r"more than .* files or 1 MB")
        shutil.rmtree(tmp_path / "out")
        refused(tar_of(bomb, (entry("zeros"), bytes(5_000_000))), r"more than .* files or 1 MB")
        shutil.rmtree(tmp_path / "out")
        monkeypatch.setattr(downloads, "MAX_MEMBERS", 3)
        refused(tar_of(bomb, *((entry(str(i)), b"") for i in range(4))), "more than 3 files")

    def test_zip_that_lies_about_its_size(self, tmp_path: Path) -> None:
        archive = zip_of(tmp_path / "a", ("x", b"y" * 1000))
        content = archive.read_bytes()
        archive.write_bytes(
            content.replace((1000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
        )
        refused(archive, "is damaged")

    @pytest.mark.parametrize("keep", [0.3, 0.6, 0.95])
    @pytest.mark.parametrize("kind", ["tar", "zip"])
    def test_cut_short(self, tmp_path: Path, kind: str, keep: float) -> None:
        noise = hashlib.shake_256(b"noise").digest(300_000)
        make = tar_of if kind == "tar" else zip_of
        names = ["x", "y", "z"]
        archive = make(tmp_path / "a", *((entry(n) if kind == "tar" else n, noise) for n in names))
        archive.write_bytes(archive.read_bytes()[: int(keep * archive.stat().st_size)])
        refused(archive, "damaged")

    def test_flipped_bit_in_a_zip(self, tmp_path: Path) -> None:
        archive = zip_of(tmp_path / "a", ("x", b"y" * 1000))
        content = bytearray(archive.read_bytes())
        content[500] ^= 1
        archive.write_bytes(content)
        refused(archive, "is damaged .*CRC")

    def test_login_page(self, tmp_path: Path) -> None:
        page = tmp_path / "a"
        page.write_text("<html>Please log in</html>", encoding="utf-8")
        refused(page, "neither a tar nor a zip.*login page")

    def test_wrong_top(self, tmp_path: Path) -> None:
        archive = tar_of(tmp_path / "a", (entry("x/y"), b""))
        with pytest.raises(ValueError, match="no folder 'z'"):
            downloads.unpack(archive, tmp_path / "corpus", top="z")
        assert leftovers(tmp_path) == ["a"]

    def test_failed_check_leaves_nothing(self, tmp_path: Path) -> None:
        def check(folder: Path) -> None:
            assert (folder / "y").is_file()
            raise ValueError("not good")

        archive = tar_of(tmp_path / "a", (entry("x/y"), b""))
        with pytest.raises(ValueError, match="not good"):
            downloads.unpack(archive, tmp_path / "corpus", top="x", check=check)
        assert leftovers(tmp_path) == ["a"]

    def test_existing_folder_is_not_touched(self, tmp_path: Path) -> None:
        (tmp_path / "corpus").mkdir()
        archive = tar_of(tmp_path / "a", (entry("x"), b""))
        with pytest.raises(FileExistsError, match="delete it"):
            downloads.unpack(archive, tmp_path / "corpus")
        assert list((tmp_path / "corpus").iterdir()) == []

    def test_remains_of_a_killed_unpacking_are_cleared(self, tmp_path: Path) -> None:
        half = tmp_path / ".corpus.unpacking"
        half.mkdir()
        (half / "old").write_bytes(b"")
        downloads.unpack(tar_of(tmp_path / "a", (entry("x"), b"")), tmp_path / "corpus")
        assert [p.name for p in (tmp_path / "corpus").iterdir()] == ["x"]
        assert leftovers(tmp_path) == ["a", "corpus"]

    def test_disk_full(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(downloads.shutil, "copyfileobj", full)
        archive = tar_of(tmp_path / "a", (entry("x"), b"1"))
        with pytest.raises(OSError, match=r"is full\. Free some space"):
            downloads.unpack(archive, tmp_path / "corpus")
        assert leftovers(tmp_path) == ["a"]

    @given(name=st.text(st.sampled_from("./a\\: \0~"), min_size=1, max_size=12))
    def test_no_name_leads_out(self, name: str) -> None:
        """Whatever parts are let through stay inside, on POSIX and on Windows."""
        from pathlib import PurePosixPath, PureWindowsPath

        try:
            parts = downloads._safe_parts(Path("a"), name)
        except ValueError:
            return
        for flavour in (PurePosixPath, PureWindowsPath):
            inside = flavour("base").joinpath(*parts)
            assert inside.is_relative_to(flavour("base"))
            assert ".." not in inside.parts
            assert len(inside.parts) == 1 + len(parts)


SOURCE = downloads.Source(
    name="toy",
    title="Toy corpus",
    call="toy.load(download=True)",
    url="http://127.0.0.1:1/toy.tar.gz",
    filename="toy.tar.gz",
    top="toy-1",
    size=12_345_678,
    unpacked_size=23_456_789,
    licence="CC0",
    example="x.wav",
)


def toy_problem(folder: Path) -> str | None:
    return None if (folder / "x.wav").is_file() else "it lacks x.wav"


class TestCorpus:
    def published(self, server: Server, tmp_path: Path) -> downloads.Source:
        archive = tar_of(tmp_path / "toy.tar.gz", (entry("toy-1/x.wav"), b"sound"))
        url = server.publish("/toy.tar.gz", archive.read_bytes())
        sha256 = downloads.file_sha256(archive)
        archive.unlink()
        return dataclasses.replace(SOURCE, url=url, sha256=sha256)

    def test_missing_says_how_to_get_it(
        self, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COURSE_DATA", str(tmp_path / "sets"))
        (tmp_path / "sets" / "toy").mkdir(parents=True)
        with pytest.raises(FileNotFoundError) as caught:
            downloads.obtain(SOURCE, toy_problem, download=False)
        told = str(caught.value)
        for needed in (
            f"{tmp_path / 'sets' / 'toy'}: it lacks x.wav",
            f"{home / 'toy'}: there is no such folder",
            "toy.load(download=True)",
            "12 MB",
            "23 MB on disk",
            "Licence: CC0",
            SOURCE.url,
            "FOLDER/toy/x.wav",
            "COURSE_DATA",
        ):
            assert needed in told
        assert not home.exists()

    def test_download_once(
        self, server: Server, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        source = self.published(server, tmp_path)
        for _ in range(2):
            assert downloads.obtain(source, toy_problem, download=True) == home / "toy"
        assert len(server.answers) == 1
        assert (home / "toy" / "x.wav").read_bytes() == b"sound"
        assert list((home / "archives").glob("toy*")) == []
        assert "Toy corpus. Licence: CC0." in capsys.readouterr().out

    def test_course_data_comes_first_and_stays_untouched(
        self, server: Server, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        source = self.published(server, tmp_path)
        found = tmp_path / "sets" / "toy"
        found.mkdir(parents=True)
        (found / "x.wav").write_bytes(b"mine")
        downloads.obtain(source, toy_problem, download=True)  # no COURSE_DATA yet: the cache
        monkeypatch.setenv("COURSE_DATA", str(tmp_path / "sets"))
        assert downloads.obtain(source, toy_problem, download=True) == found
        assert downloads.corpus_folder("toy") == found
        assert downloads.corpus_folder("other") == home / "other"
        assert [p.name for p in (tmp_path / "sets").rglob("*")] == ["toy", "x.wav"]
        (found / "x.wav").unlink()  # now it is not complete: the cache again
        assert downloads.obtain(source, toy_problem, download=False) == home / "toy"

    def test_offline_says_how_to_do_it_by_hand(self) -> None:
        source = dataclasses.replace(SOURCE, url="http://127.0.0.1:9/toy.tar.gz")
        with pytest.raises(ConnectionError, match=r"(?s)no connection.*FOLDER/toy/x\.wav"):
            downloads.obtain(source, toy_problem, download=True)

    def test_not_enough_space_is_told_before(
        self, server: Server, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        source = self.published(server, tmp_path)
        usage = shutil.disk_usage(tmp_path)._replace(free=30_000_000)
        monkeypatch.setattr(downloads.shutil, "disk_usage", lambda _: usage)
        with pytest.raises(OSError, match=r"needs 36 MB of disk space.*30 MB left"):
            downloads.obtain(source, toy_problem, download=True)
        assert server.answers == []

    def test_incomplete_cache_says_delete(self, server: Server, home: Path, tmp_path: Path) -> None:
        (home / "toy").mkdir(parents=True)
        with pytest.raises(OSError, match=r"toy is not complete: it lacks x\.wav. Delete"):
            downloads.obtain(self.published(server, tmp_path), toy_problem, download=True)

    def test_unfit_content_is_downloaded_anew_next_time(
        self, server: Server, home: Path, tmp_path: Path
    ) -> None:
        def check(folder: Path) -> None:
            raise ValueError(f"{folder.name} is not what was published")

        source = self.published(server, tmp_path)
        with pytest.raises(ValueError, match="not what was published"):
            downloads.obtain(source, toy_problem, download=True, check=check)
        assert leftovers(home) == ["archives", "locks"]
        assert leftovers(home / "archives") == []
        downloads.obtain(source, toy_problem, download=True)
        assert len(server.answers) == 2


def test_default_folder_is_the_users_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    assert downloads.data_folder() == downloads.cache_folder()
    monkeypatch.setenv("COURSE_DATA", str(Path("~", "sets")))
    assert downloads.data_folder() == Path.home() / "sets"


def test_downloads_go_where_course_data_points(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert downloads.download_folder() == downloads.cache_folder()
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    assert downloads.download_folder() == tmp_path
    monkeypatch.setattr(downloads.os, "access", lambda *_: False)
    assert downloads.download_folder() == downloads.cache_folder()
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "missing"))
    assert downloads.download_folder() == downloads.cache_folder()


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (16_030_181, "16 MB"),
        (999_999, "1 MB"),
        (2.4e9, "2.4 GB"),
    ],
)
def test_readable_size(size: int, text: str) -> None:
    assert downloads.readable_size(size) == text
