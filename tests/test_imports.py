"""Who may know whom: the arrows of the house, read from every file's imports.

    errors <- project, settings, database <- the rest of shared <- a phase's logic <- its tab <- app.py
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(path for path in [ROOT / "app.py", *(ROOT / "phases").rglob("*.py")] if path.is_file())
PHASES = ("rag_data", "cpt", "sft_data", "sft")
ASSEMBLERS = {"app", "phases.cli", "phases.commands", "phases.demo", "phases.job_commands", "phases.rag_commands"}
GROUND = ("phases.shared.errors", "phases.shared.files", "phases.shared.options")
CHILD_ONLY_PACKAGES = {"torch", "transformers", "trl", "peft", "accelerate", "datasets", "sentence_transformers"}


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path, *, top_level_only: bool = False) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = _outside_functions(tree) if top_level_only else ast.walk(tree)
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{name.name}" for name in node.names}
    return found


def _outside_functions(node: ast.AST):
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from _outside_functions(child)


def phase_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "phases" and parts[1] in PHASES else None


def wrong_arrows(module: str, imported: set[str]) -> list[str]:
    """The imports of a module that the house forbids, each with its reason."""
    wrong = []
    for name in imported:
        if name.split(".")[0] == "gradio" and not (module == "app" or module.endswith(".tab") or ".ui" in module):
            wrong.append(f"{name}: gradio belongs to tab.py, app.py and shared/ui")
        if not name.startswith("phases"):
            continue
        other, own = phase_of(name), phase_of(module)
        if module.startswith("phases.shared.") and other:
            wrong.append(f"{name}: shared knows no phase")
        if own and other and own != other:
            wrong.append(f"{name}: a phase never knows another phase")
        if own and not (module.endswith(".tab") or f"phases.{own}.ui" in module) and name.startswith("phases.shared.ui"):
            wrong.append(f"{name}: a phase's logic does not know the window")
        if name.endswith(".tab") and module != "app":
            wrong.append(f"{name}: only app.py knows the tabs")
        if name.split(".")[:2] in (["phases", "cli"], ["phases", "commands"], ["phases", "demo"], ["phases", "job_commands"]) and module not in ASSEMBLERS:
            wrong.append(f"{name}: only app.py and the commands assemble")
        if module == "phases.shared.errors":
            wrong.append(f"{name}: errors knows the standard library only")
        below = module.startswith("phases.shared.database") or module in ("phases.shared.project", "phases.shared.settings")
        if below and name.startswith("phases.shared") and not name.startswith(
                ("phases.shared.database", "phases.shared.project", *GROUND)) and name != "phases.shared":
            wrong.append(f"{name}: database, project and settings stand on errors alone")
    return wrong


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_arrows(path: Path) -> None:
    assert wrong_arrows(module_of(path), imports_of(path)) == []


def test_the_rules_catch_wrong_arrows() -> None:
    assert wrong_arrows("phases.shared.search", {"phases.cpt.config"})
    assert wrong_arrows("phases.cpt.train", {"phases.sft.train"})
    assert wrong_arrows("phases.cpt.train", {"gradio"})
    assert wrong_arrows("phases.cpt.train", {"phases.shared.ui.forms"})
    assert wrong_arrows("phases.shared.database.chunks", {"phases.shared.search"})
    assert not wrong_arrows("phases.cpt.tab", {"gradio", "phases.shared.ui.forms", "phases.cpt.config"})


def test_no_circles() -> None:
    """Imports at the top of modules form no circle."""
    graph = {module_of(path): imports_of(path, top_level_only=True) for path in FILES}
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " -> ".join((*trail[trail.index(module):], module))
        if module in done:
            return
        for name in graph[module]:
            if name in graph and name != module:
                visit(name, (*trail, module))
        done.add(module)

    for module in graph:
        visit(module, ())


def test_heavy_packages_load_in_children_only() -> None:
    """Modules that the window's process loads import no training package at their top."""
    reachable = _reachable_at_top({"app", "phases.cli", "phases.commands", "phases.demo", "phases.job_commands", "phases.rag_commands"}
                                  | {module_of(path) for path in FILES if path.name in ("tab.py", "view.py", "config.py")}
                                  | {"phases.shared.jobs.worker", "phases.shared.jobs.queue"})
    wrong = {module: heavy for module in reachable
             if (heavy := {name for name in imports_of(_path_of(module), top_level_only=True)
                           if name.split(".")[0] in CHILD_ONLY_PACKAGES})}
    assert wrong == {}


def _path_of(module: str) -> Path:
    path = ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _reachable_at_top(starts: set[str]) -> set[str]:
    known = {module_of(path) for path in FILES}
    found, waiting = set(), {one for one in starts if one in known}
    while waiting:
        module = waiting.pop()
        found.add(module)
        waiting |= {name for name in imports_of(_path_of(module), top_level_only=True) if name in known} - found
    return found


def test_sql_stays_in_the_database_folder() -> None:
    """A statement outside shared/database would escape the migrations' tests."""
    starts = ("SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", "CREATE TABLE ")
    wrong = []
    for path in FILES:
        if "database" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.lstrip().startswith(starts):
                wrong.append(f"{module_of(path)}:{node.lineno}")
    assert wrong == []
