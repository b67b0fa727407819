"""Interactive explorers: one Python file each, with its JavaScript beside it.

In Colab, anywidget switches the manager of custom widgets on when the first explorer is made.
"""

from course_utils.widgets.air import AirExplorer
from course_utils.widgets.aliasing import AliasingExplorer
from course_utils.widgets.attention import AttentionExplorer
from course_utils.widgets.attention_player import AttentionPlayer
from course_utils.widgets.augmentation_bench import AugmentationBench
from course_utils.widgets.beam_stepper import BeamStepper
from course_utils.widgets.filter_bench import FilterBench
from course_utils.widgets.gates import GateExplorer
from course_utils.widgets.own_voice import Recorder
from course_utils.widgets.playground import BoundaryPlayground
from course_utils.widgets.spectrogram import SpectrogramExplorer
from course_utils.widgets.stepper import ConvolutionStepper
from course_utils.widgets.tagging import Tagged, TaggingExplorer
from course_utils.widgets.training_player import TrainingPlayer
from course_utils.widgets.transcription import TranscriptionExplorer
from course_utils.widgets.trellis import TrellisExplorer
from course_utils.widgets.wave_builder import WaveBuilder
from course_utils.widgets.winding import WindingMachine

__all__ = [
    "AirExplorer",
    "AliasingExplorer",
    "AttentionExplorer",
    "AttentionPlayer",
    "AugmentationBench",
    "BeamStepper",
    "BoundaryPlayground",
    "ConvolutionStepper",
    "FilterBench",
    "GateExplorer",
    "Recorder",
    "SpectrogramExplorer",
    "Tagged",
    "TaggingExplorer",
    "TrainingPlayer",
    "TranscriptionExplorer",
    "TrellisExplorer",
    "WaveBuilder",
    "WindingMachine",
]
