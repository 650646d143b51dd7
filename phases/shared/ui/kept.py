"""What a person chose on the page and finds again after a reload: kept by the browser, apart for every project. It decides what is shown,
never what is stored.

In: the name of a choice. Out: a component, and what of its value belongs to a project.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr

Kept = Mapping[str, Any] | None
SECRET = "no secret: names of runs and models"  # Gradio's own is a new one at each start, and then nothing could be read again


def build_kept(name: str) -> gr.BrowserState:
    """A value for each project, {project: value}; its `change` tells too when the browser has brought it back."""
    return gr.BrowserState({}, storage_key=f"lehrling-{name}", secret=SECRET)


def kept_for(kept: Kept, project: str, otherwise: Any) -> Any:
    return (kept or {}).get(project, otherwise)


def with_kept(kept: Kept, project: str, value: Any) -> dict[str, Any]:
    return {**(kept or {}), project: value}
