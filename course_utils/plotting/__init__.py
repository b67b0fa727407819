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
from course_utils.plotting.dense import descent, network, vowel_chart, vowel_regions
from course_utils.plotting.learning import confusion, learning_curves
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
    "descent",
    "filter_bank",
    "framing",
    "heatmap",
    "images",
    "labelled_parts",
    "learning_curves",
    "lines",
    "matrix",
    "network",
    "new_axes",
    "sample_images",
    "samples",
    "spectrogram",
    "spectrograms",
    "spectrum",
    "vowel_chart",
    "vowel_regions",
    "waveform",
    "waveforms",
    "window_comparison",
]
