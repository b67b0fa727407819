"""The notebooks of the course in reading order, for the map, the README and the structure tests."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Notebook:
    """One notebook: its file's name without suffix, its title, minutes of reading, its part."""

    name: str
    title: str
    minutes: int
    part: str

    @property
    def number(self) -> int:
        """Number in the reading order, from the file's name."""
        return int(self.name[:2])


NOTEBOOKS = [
    Notebook("00_start_here", "Start here", 20, "Sound"),
    Notebook("01_sound_waves", "Sound waves", 80, "Sound"),
    Notebook("02_fourier", "The Fourier transform and the FFT", 90, "Sound"),
    Notebook("03_spectrograms", "Spectrograms and mel features", 80, "Sound"),
    Notebook("04_fully_connected", "Fully connected networks", 130, "Networks"),
    Notebook("05_convolution", "Convolution", 80, "Networks"),
    Notebook("06_recurrent", "Recurrent networks: RNN, LSTM, GRU", 90, "Networks"),
    Notebook("07_attention", "Attention", 90, "Networks"),
    Notebook("08_data_pipeline", "The audio data pipeline", 75, "Tagging"),
    Notebook("09_tagging", "Audio classification and tagging", 80, "Tagging"),
    Notebook("10_ctc", "Connectionist temporal classification", 100, "Speech"),
    Notebook("11_decoding", "Decoding and language models", 100, "Speech"),
    Notebook("12_deep_speech_2", "Deep Speech 2", 90, "Speech"),
    Notebook("13_listen_attend_spell", "Listen, Attend and Spell", 90, "Speech"),
    Notebook("14_your_own_recogniser", "Your own recogniser", 60, "Yours"),
    Notebook("15_scaling_up", "Scaling up", 75, "Yours"),
]


def path(notebook: Notebook) -> Path:
    """Where the notebook lies, or will lie, in the repository."""
    return Path(__file__).parents[2] / "notebooks" / f"{notebook.name}.ipynb"
