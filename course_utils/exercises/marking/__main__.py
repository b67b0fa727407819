"""The command: `python -m course_utils.exercises.marking FOLDER --out marks.csv`."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from course_utils.exercises.marking import lanes, submission, table
from course_utils.exercises.marking.limits import Limits, closed_to_others


def tasks(folder: Path) -> list[lanes.Task]:
    """What there is to be marked in a folder.

    Args:
        folder: with notebooks, in folders of their own or not; or one notebook.

    Returns:
        In order of their names: each notebook; each other file that lies in the folder itself; each
        folder in it without a notebook.
    """
    if folder.is_file():
        return [lanes.Task(folder.name, folder)]
    found = {
        path
        for path in folder.rglob("*.ipynb")
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }
    for path in folder.iterdir():
        holds = any(path in one.parents for one in found)
        if not path.name.startswith(".") and not holds:
            found.add(path)
    names = {path.relative_to(folder).as_posix(): path for path in found}
    return [lanes.Task(name, names[name]) for name in sorted(names)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: of the command line.

    Returns:
        The exit status: 0 when every submission has its row, 2 when nothing could be done.
    """
    options = _parser().parse_args(arguments)
    limits = Limits(
        seconds=options.seconds,
        cell_seconds=options.cell_seconds,
        memory_mb=options.memory_mb,
        user=options.as_user,
    )
    try:
        return _mark(options, limits)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\nStopped. The same command goes on where {options.out} ends.", file=sys.stderr)
        return 130


def _mark(options: argparse.Namespace, limits: Limits) -> int:
    if limits.user and (not hasattr(os, "geteuid") or os.geteuid()):
        raise ValueError("--as-user works for root only: in a container, as the guide shows.")
    for place in (os.__file__, __file__) if limits.user else ():
        if closed := closed_to_others(place):
            raise ValueError(
                f"--as-user: another user could not read {place}, since {closed} is closed to all "
                "but its owner. Install Python and the course where everybody may read them."
            )
    if not options.folder.exists():
        raise ValueError(f"There is no {options.folder}: name the folder with the submissions.")
    todo = {task: _digest(task.path) for task in tasks(options.folder)}
    known = {} if options.again else table.read(options.out)
    results = {t.name: known[t.name] for t, d in todo.items() if known.get(t.name, ("",))[0] == d}
    if results:
        print(f"{len(results)} are marked already and have not changed; --again marks them anew.")
    left = [task for task in todo if task.name not in results]
    bar = tqdm(total=len(todo), initial=len(results), unit="submission", disable=options.quiet)
    with bar:
        for task, result in lanes.run(left, options.jobs, limits, options.whole):
            results[task.name] = (todo[task], result)
            table.write(options.out, results)
            bar.update()
    table.write(options.out, results)
    print(table.summary(results))
    print(f"\nWritten: {options.out}, {table.reasons_path(options.out)}")
    return 0


def _digest(path: Path) -> str:
    return submission.digest(path) if path.is_file() and not path.is_symlink() else "-"


def _parser() -> argparse.ArgumentParser:
    usual = Limits()
    parser = argparse.ArgumentParser(
        prog="python -m course_utils.exercises.marking",
        description="Mark submitted notebooks against the course's checks.",
        epilog="Submissions are programs of other people. Limits hold accidents, not attackers: "
        "mark work that you do not trust in a container. docs/teaching.md says how.",
    )
    add = parser.add_argument
    add("folder", type=Path, help="folder with the submitted notebooks, or one notebook")
    add("--out", type=Path, default=Path("marks.csv"), help="table to write (%(default)s)")
    add("--jobs", type=int, choices=range(1, 65), metavar="N", default=1, help="so many at a time")
    add("--whole", action="store_true", help="run all cells, also those that train")
    add("--again", action="store_true", help="mark those anew that stand in the table already")
    add("--seconds", type=float, default=usual.seconds, help="for a submission (%(default)g)")
    add("--cell-seconds", type=float, default=usual.cell_seconds, help="for a cell (%(default)g)")
    add("--memory-mb", type=int, default=usual.memory_mb, help="for a submission (%(default)d)")
    add("--as-user", type=int, default=0, metavar="NUMBER", help="run submissions as this user")
    add("--quiet", action="store_true", help="no progress bar")
    return parser


if __name__ == "__main__":
    sys.exit(main())
