"""The styles of question-answer pairs, one file each. A new style is a new file and a line here.

In: nothing. Out: STYLES, by name, in the order in which they are offered.
"""

from collections.abc import Mapping
from types import MappingProxyType

from phases.sft_data.styles.conversational import CONVERSATIONAL
from phases.sft_data.styles.factual import FACTUAL
from phases.sft_data.styles.multiple_choice import MULTIPLE_CHOICE
from phases.sft_data.styles.problem_solving import PROBLEM_SOLVING
from phases.sft_data.styles.socratic import SOCRATIC
from phases.sft_data.styles.style import Style

STYLES: Mapping[str, Style] = MappingProxyType(
    {style.name: style for style in (FACTUAL, CONVERSATIONAL, SOCRATIC, PROBLEM_SOLVING, MULTIPLE_CHOICE)})

__all__ = ["STYLES", "Style"]
