"""A style's prompts as a project has them: the style's own words, or those that the person put in their place.

In: a project and a style's name. Out: system prompt and template; and the two filled in for a chunk. The template's fields are
{text}, {source}, {language} and {audience}; other braces stay as they are. Without {text} the text follows the template.
"""

from __future__ import annotations

from dataclasses import dataclass

from phases.sft_data.styles import STYLES
from phases.shared.database.chunks import ChunkRow
from phases.shared.errors import SettingError
from phases.shared.project import Project

PROMPT_FIELDS = ("system_prompt", "user_template")


@dataclass(frozen=True)
class StylePrompt:
    """What is sent to a model for a style."""

    name: str
    system_prompt: str
    user_template: str


def prompt_of(project: Project, name: str) -> StylePrompt:
    """The style's prompts in this project. Raises SettingError when project.yaml holds a field that is none."""
    style, edited = STYLES[name], (project.settings.get("styles") or {}).get(name) or {}
    unknown = set(edited) - set(PROMPT_FIELDS)
    if unknown:
        raise SettingError(f"The style '{name}' of the project has an unknown field '{min(unknown)}'.",
                           f"Known fields: {', '.join(PROMPT_FIELDS)}.", subject=f"styles/{name}", code="setting_unknown")
    return StylePrompt(name, str(edited.get("system_prompt") or style.system_prompt), str(edited.get("user_template") or style.user_template))


def fill_in(prompt: StylePrompt, chunk: ChunkRow, language: str, audience: str) -> tuple[str, str]:
    """System and user message for a chunk. The text comes last, between <text> and </text>, so that it is taken for what it is."""
    text = f"<text>\n{chunk.content}\n</text>"
    fields = {"source": chunk.source, "language": language, "audience": audience or "anyone"}
    system, user = prompt.system_prompt, prompt.user_template
    for name, value in fields.items():
        system, user = system.replace("{" + name + "}", value), user.replace("{" + name + "}", value)
    user = user.replace("{text}", text) if "{text}" in user else f"{user}\n\n{text}"
    return f"{system}\n{_manner(language, audience)}", user


def _manner(language: str, audience: str) -> str:
    to_whom = f" Write for {audience}." if audience else ""
    return f"Write in the language '{language}'.{to_whom}"
