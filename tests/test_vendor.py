"""Vendored JavaScript: pinned, verified, kept; a wrong or missing package is refused in words."""

import base64
import hashlib
import io
from pathlib import Path

import pytest

from docs.tools import vendor
from tests.http_server import targz


def pin(content: bytes, *files: str) -> vendor.Pin:
    digest = base64.b64encode(hashlib.sha512(content).digest()).decode()
    return vendor.Pin("@scope/thing", "1.2.3", f"sha512-{digest}", files)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(vendor, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache"


def test_every_pin_has_a_version_a_hash_and_files() -> None:
    for entry in vendor.pins().values():
        assert entry.version[0].isdigit() and entry.files
        algorithm, digest = entry.integrity.split("-", 1)
        assert algorithm == "sha512" and len(base64.b64decode(digest)) == 64


def test_a_package_is_fetched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    content = targz({"package/a.js": b"1"})
    calls: list[str] = []
    monkeypatch.setattr(vendor, "download", lambda one: calls.append(one.name) or content)
    thing = pin(content, "a.js")
    assert vendor.fetch(thing) == vendor.fetch(thing) == content
    assert calls == ["@scope/thing"]
    thing.archive.write_bytes(b"damaged")
    assert vendor.fetch(thing) == content and len(calls) == 2


def test_another_file_than_the_pinned_one_is_refused(
    monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    thing = pin(targz({"package/a.js": b"1"}), "a.js")
    monkeypatch.setattr(vendor, "download", lambda one: targz({"package/a.js": b"2"}))
    with pytest.raises(vendor.VendorError, match=r"@scope/thing 1\.2\.3 .* not the pinned file"):
        vendor.fetch(thing)
    assert not list(cache.rglob("*.tgz"))


def test_only_wanted_files_are_written_and_none_outside(tmp_path: Path) -> None:
    files = {"package/dist/a.js": b"1", "package/dist/b.map": b"2", "package/../../dist/c.js": b"3"}
    folder = tmp_path / "deep" / "out"
    content = targz(files)
    vendor.extract(content, pin(content, "dist/*.js"), folder)
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert written == [folder / "dist" / "a.js"]
    with pytest.raises(vendor.VendorError, match=r"holds no dist/missing\.js"):
        vendor.extract(content, pin(content, "dist/missing.js"), folder)


def test_without_npm_and_registry_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vendor.shutil, "which", lambda name: None)
    for name in ("npm_config_registry", "NPM_CONFIG_REGISTRY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(vendor.VendorError, match=r"Install Node\.js"):
        vendor.download(pin(b"", "a.js"))
    monkeypatch.setenv("npm_config_registry", "ftp://example.org")
    with pytest.raises(vendor.VendorError, match="must be a web address"):
        vendor.download(pin(b"", "a.js"))


def test_a_registry_named_in_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def urlopen(url: str, timeout: float) -> io.BytesIO:
        asked.append(url)
        return io.BytesIO(b"bytes")

    monkeypatch.setattr(vendor.shutil, "which", lambda name: None)
    monkeypatch.setenv("npm_config_registry", "https://example.org/npm/")
    monkeypatch.setattr(vendor.urllib.request, "urlopen", urlopen)
    assert vendor.download(pin(b"", "a.js")) == b"bytes"
    assert asked == ["https://example.org/npm/@scope/thing/-/thing-1.2.3.tgz"]
