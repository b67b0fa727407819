from pathlib import Path

import pytest

from course_utils import files


def test_a_file_is_made_and_replaced_and_nothing_lies_beside_it(tmp_path):
    path = tmp_path / "a.json"
    for text in ("old", "new"):
        with files.whole(path) as part:
            part.write_text(text, encoding="utf-8")
            assert part.parent == tmp_path and part != path
            assert not path.exists() or path.read_text(encoding="utf-8") == "old"
        assert path.read_text(encoding="utf-8") == text
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError("full"), KeyboardInterrupt()])
def test_what_fails_leaves_the_old_file_alone(tmp_path, error):
    path = tmp_path / "a.json"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(type(error)), files.whole(path) as part:
        part.write_text("ne", encoding="utf-8")
        raise error
    assert path.read_text(encoding="utf-8") == "old" and list(tmp_path.iterdir()) == [path]


def test_a_swap_that_is_refused_leaves_the_old_file_alone(tmp_path, monkeypatch):
    def in_use(*_):
        raise PermissionError("used by another process")

    path = tmp_path / "a.json"
    path.write_text("old", encoding="utf-8")
    monkeypatch.setattr(Path, "replace", in_use)
    with pytest.raises(PermissionError), files.whole(path) as part:
        part.write_text("new", encoding="utf-8")
    assert path.read_text(encoding="utf-8") == "old" and list(tmp_path.iterdir()) == [path]


def test_two_writers_at_once_do_not_meet(tmp_path):
    path = tmp_path / "a.json"
    with files.whole(path) as one:
        one.write_text("one", encoding="utf-8")
        with files.whole(path) as two:
            two.write_text("two", encoding="utf-8")
    assert path.read_text(encoding="utf-8") == "one"
