"""One function for each kind of picture; each takes and returns a matplotlib Axes.

A notebook shows a figure with `captioned(ax, "what it shows")`: the caption stands below the
picture, is read by screen readers, and is what those get who cannot see the picture.
"""

from course_utils.plotting.base import (
    BLUE,
    CURVE_STYLES,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    YELLOW,
    captioned,
    heatmap,
    lines,
    matrix,
    new_axes,
)
from course_utils.plotting.learning import confusion, learning_curves
from course_utils.plotting.recurrent import lstm_cell, operating_curves, stream, unrolled
from course_utils.plotting.sound import (
    air,
    arrows,
    course_map,
    filter_bank,
    framing,
    images,
    labelled_parts,
    sample_images,
    samples,
    spectrogram,
    spectrograms,
    spectrum,
    waveform,
    waveforms,
    window_comparison,
)

__all__ = [
    "BLUE",
    "CURVE_STYLES",
    "GREEN",
    "GREY",
    "ORANGE",
    "PURPLE",
    "SKY",
    "VERMILLION",
    "YELLOW",
    "air",
    "arrows",
    "captioned",
    "confusion",
    "course_map",
    "filter_bank",
    "framing",
    "heatmap",
    "images",
    "labelled_parts",
    "learning_curves",
    "lines",
    "lstm_cell",
    "matrix",
    "new_axes",
    "operating_curves",
    "sample_images",
    "samples",
    "spectrogram",
    "spectrograms",
    "spectrum",
    "stream",
    "unrolled",
    "waveform",
    "waveforms",
    "window_comparison",
]
