"""Training: the loop with its curves and checkpoints, and the losses and measures of each task."""

from course_utils.training.checkpoints import (
    FORMAT,
    load_checkpoint,
    save_checkpoint,
    seed_everything,
)
from course_utils.training.launch import torchrun
from course_utils.training.loop import (
    History,
    choose_device,
    count_parameters,
    fit,
    warm_up_cosine,
)
from course_utils.training.profiling import kept_memory, profiled
from course_utils.training.tasks import (
    Transcripts,
    classification_loss,
    classify,
    recognise,
    recognition_loss,
    recognition_validation,
    spell,
    spelling_loss,
    validation,
)

__all__ = [
    "FORMAT",
    "History",
    "Transcripts",
    "choose_device",
    "classification_loss",
    "classify",
    "count_parameters",
    "fit",
    "kept_memory",
    "load_checkpoint",
    "profiled",
    "recognise",
    "recognition_loss",
    "recognition_validation",
    "save_checkpoint",
    "seed_everything",
    "spell",
    "spelling_loss",
    "torchrun",
    "validation",
    "warm_up_cosine",
]
