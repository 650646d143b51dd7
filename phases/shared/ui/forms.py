"""A form made from a configuration class: one component a field, the rare ones folded, with a count of what was changed.

In: a configuration class (phases.shared.options). Out: a `Form` whose components are the inputs of a handler, and whose
`values` turn what came back into a mapping for `resolve`.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from phases.shared.options import Option, as_mapping, options_of, resolve
from phases.shared.project import Project
from phases.shared.ui.texts import say, word

Choices = Mapping[str, Sequence[tuple[str, Any]]]


@dataclass(frozen=True)
class Form:
    """The components of a configuration class, in the order of its fields."""

    config: type
    section: str
    fields: Mapping[str, Any]
    advanced: gr.Accordion | None
    several: Collection[str] = ()
    folds: Mapping[str, Any] = field(default_factory=dict)

    @property
    def components(self) -> list[Any]:
        return list(self.fields.values())

    def values(self, given: Sequence[Any]) -> dict[str, Any]:
        """What stands in the form, by field name; an emptied number means "not given", several choices are joined by commas."""
        return {name: ",".join(value) if isinstance(value, list) else value
                for name, value in zip(self.fields, given, strict=True)}

    def resolved(self, project: Project, given: Sequence[Any]) -> Any:
        """The checked configuration. Raises SettingError with the field that is wrong."""
        return resolve(self.config, project.settings.get(self.section), self.values(given))

    def shown(self, config: Any) -> list[Any]:
        """The component values that show a configuration."""
        mapping = as_mapping(config)
        return [[one.strip() for one in mapping[name].split(",") if one.strip()] if name in self.several else mapping[name]
                for name in self.fields]

    def preset(self, project: Project, preset: str) -> Any:
        """The configuration of a preset, over it the project's own settings."""
        own = {key: value for key, value in (project.settings.get(self.section) or {}).items() if key != "preset"}
        return resolve(self.config, own, {"preset": preset})

    def with_method(self, project: Project, given: Sequence[Any]) -> Any:
        """The configuration after another training method was chosen: what still had a method's default takes the new one's."""
        values, own = self.values(given), project.settings.get(self.section) or {}
        usual = {method: resolve(self.config, own, {"preset": values["preset"], "method": method}) for method in self._choices("method")}
        brought = {name for presets in self.config.BY_METHOD.values() for names in presets.values() for name in names}
        following = {name: getattr(usual[values["method"]], name) for name in brought
                     if values[name] in [getattr(one, name) for one in usual.values()]}
        return resolve(self.config, own, {**values, **following})

    def _choices(self, name: str) -> Sequence[Any]:
        return next(one.choices for one in options_of(self.config) if one.name == name)

    def changed(self, project: Project, given: Sequence[Any]) -> dict[str, Any]:
        """The fields that differ from the preset (and method) that is chosen."""
        values = self.values(given)
        usual = resolve(self.config, {name: values[name] for name in ("preset", "method") if name in values})
        return {name: value for name, value in values.items()
                if name not in ("preset", "method") and value is not None and value != getattr(usual, name)}


def edited(field: Any) -> Any:
    """The event of a field that a person changed. A Textbox tells its `input` by keys alone and misses what is pasted
    with the mouse, so there it is `change`; so it is where a button elsewhere may fill the field."""
    return field.change if isinstance(field, gr.Textbox) or getattr(field, "allow_custom_value", False) else field.input


def build_form(config: type, section: str, *, choices: Choices | None = None, several: Choices | None = None) -> Form:
    """Draw the form where it is called; fields marked `advanced` come into a folded part at its end.

    Args:
        choices: suggestions for a text field, as (label, value); anything else can be typed.
        several: the values of which a text field holds one or more, with commas.
    """
    every, given, lists = options_of(config), choices or {}, several or {}

    def draw(one: Option) -> Any:
        return _several(one, lists[one.name]) if one.name in lists else _field(one, given.get(one.name))

    fields = {one.name: draw(one) for one in every if not one.advanced and not one.group}
    folds = {}
    for group in dict.fromkeys(one.group for one in every if one.group):
        folds[group] = gr.Accordion(say(f"form.{group}"), open=False, elem_classes="advanced", elem_id=f"fold-{group}")
        with folds[group]:
            fields.update({one.name: draw(one) for one in every if one.group == group})
    rare = [one for one in every if one.advanced]
    advanced = gr.Accordion(say("form.advanced"), open=False, elem_classes="advanced") if rare else None
    if advanced:
        with advanced:
            fields.update({one.name: draw(one) for one in rare})
    return Form(config, section, {one.name: fields[one.name] for one in every}, advanced, tuple(lists), folds)


def advanced_label(form: Form, changed: Mapping[str, Any]) -> Any:
    """The folded part's heading, with how many of its fields differ from the preset."""
    rare = {one.name for one in options_of(form.config) if one.advanced}
    count = len(rare & set(changed))
    return gr.update(label=say("form.advanced_changed", n=count) if count else say("form.advanced"))


def fold_label(form: Form, group: str, given: Sequence[Any], switches: Collection[str]) -> Any:
    """A folded group's heading, with how many of its switches are on."""
    values = form.values(given)
    return gr.update(label=say(f"form.{group}_on", on=sum(bool(values[name]) for name in switches), all=len(switches)))


def command_for(command: str, project: Project, form: Form, given: Sequence[Any], *words: str) -> str:
    """The command that does the same as the button; `words` stand behind the project's name."""
    parts = ["python app.py", command, shlex.quote(project.name), *map(shlex.quote, words)]
    values, own = form.values(given), project.settings.get(form.section)
    flags = {one.name: one for one in options_of(form.config)}
    begins = resolve(form.config, own)  # what the command itself begins with
    chosen = {name: values[name] for name in ("preset", "method")
              if name in values and (values[name] != getattr(begins, name) or values[name] != flags[name].default)}
    usual = resolve(form.config, own, chosen)
    changed = {name: value for name, value in values.items() if value is not None and value != getattr(usual, name)}
    return " ".join([*parts, *(_flag(flags[name], value) for name, value in {**chosen, **changed}.items())])


def _field(one: Option, choices: Sequence[tuple[str, Any]] | None) -> Any:
    label = f"{one.label} ({one.unit})" if one.unit else one.label
    common = {"label": label, "info": one.help or None, "elem_classes": "field", "interactive": True}
    if choices is not None:
        return gr.Dropdown(choices=list(choices), value=one.default, allow_custom_value=True, **common)
    if one.choices:
        pairs = [(word(f"choice.{one.name}", str(value)), value) for value in one.choices]
        return gr.Dropdown(choices=pairs, value=one.default, **common)
    if one.kind is bool:
        return gr.Checkbox(value=one.default, **common)
    if one.kind in (int, float):
        return gr.Number(value=one.default, precision=0 if one.kind is int else None, min_width=120, **common)
    return gr.Textbox(value=one.default, max_lines=3, **common)


def _several(one: Option, choices: Sequence[tuple[str, Any]]) -> Any:
    return gr.Dropdown(choices=list(choices), value=one.default.split(","), multiselect=True, label=one.label, info=say("form.several"),
                       elem_classes="field", interactive=True)


def _flag(field: Option, value: Any) -> str:
    if field.kind is bool:
        return field.flag if value else f"--no-{field.flag[2:]}"
    return f"{field.flag} {shlex.quote(str(value))}"


def filter_choices(every: str, choices: Sequence[tuple[str, str]], chosen: str) -> Any:
    """What a filter offers now, after `every` with the value "". What was chosen and is gone gives way to all: Gradio refuses every event
    of a page whose value is no choice any more.
    """
    return gr.update(choices=[(every, ""), *choices], value=chosen if chosen in {value for _, value in choices} else "")
