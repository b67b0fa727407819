"""The example recordings of librosa: music, animals, LibriSpeech sentences; each its own licence.

`librosa.ex(name)` downloads them one at a time. Here nothing is downloaded: a recording is found
under `COURSE_DATA/librosa-examples/audio`, or where librosa has put it.
"""

import os
from pathlib import Path

import numpy as np
import platformdirs

from course_utils import audio
from course_utils.datasets import downloads

# Files of the "hq" versions, as librosa's registry names them.
FILES = {
    "libri1": "5703-47212-0000.hq.ogg",
    "robin": "456440__inspectorj__bird-whistling-robin-single-13.hq.ogg",
    "trumpet": "sorohanro_-_solo-trumpet-06.hq.ogg",
    "humpback": "glacier-bay-humpback.hq.ogg",
}


def find(name: str) -> Path | None:
    """The file of a recording, or None when it is not on this machine.

    Raises:
        ValueError: `name` is none of `FILES`.
    """
    if name not in FILES:
        raise ValueError(f"the name must be one of {', '.join(FILES)}, got {name!r}")
    cache = os.environ.get("LIBROSA_DATA_DIR") or platformdirs.user_cache_dir("librosa", False)
    for folder in (downloads.data_folder() / "librosa-examples" / "audio", Path(cache)):
        if (folder / FILES[name]).is_file():
            return folder / FILES[name]
    return None


def load(name: str) -> tuple[np.ndarray, int]:
    """Waveform and sample rate of a recording.

    Raises:
        FileNotFoundError: it is not on this machine; the message says how to get it.
        ValueError: `name` is none of `FILES`.
    """
    path = find(name)
    if path is None:
        raise FileNotFoundError(
            f"librosa's example {name!r} is not on this machine. To get it, run "
            f"`librosa.ex({name!r}, hq=True)` once, with a network."
        )
    return audio.load(path)
