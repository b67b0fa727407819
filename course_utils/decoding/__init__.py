"""From what a model says to text: greedy, prefix beam search, with a language model or without."""

from course_utils.decoding.attention import attention_beam_search, attention_greedy
from course_utils.decoding.base import Hypothesis, LanguageModel
from course_utils.decoding.frames import Prefix, greedy, prefix_beam_search, prefix_beams

__all__ = [
    "Hypothesis",
    "LanguageModel",
    "Prefix",
    "attention_beam_search",
    "attention_greedy",
    "greedy",
    "prefix_beam_search",
    "prefix_beams",
]
