"""Download links for a project's results: exported models and data sets, straight from the project folder.

In: `/download/PROJECT/KIND/NAME`. Out: the file, or 404. A name is looked up in the list of what the project offers and
never joined to a path, so that no address can lead out of the folder.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from phases.shared.errors import ProjectError
from phases.shared.project import Project, open_project
from phases.shared.ui.texts import say

REPORTS = ("report.md", "report.json")


def offered(project: Project) -> Mapping[str, Path]:
    """Every file that may be downloaded, by the name in its address."""
    data = [*sorted(project.data.glob("*.jsonl")), *(project.data / name for name in REPORTS if (project.data / name).is_file())]
    found = {f"data/{one.name}": one for one in data}
    found |= {f"exports/{one.relative_to(project.exports).as_posix()}": one for one in sorted(project.exports.rglob("*"))
              if one.is_file() and not any(part.startswith(".") for part in one.relative_to(project.exports).parts)}
    return {name: path for name, path in found.items() if not path.is_symlink()}


def download_link(root_path: str, project: Project, name: str, label: str) -> str:
    """The HTML of a link to an offered file."""
    address = f"{root_path}/download/{quote(project.name)}/{quote(name)}"
    return f'<a href="{html.escape(address)}" download>{html.escape(label)}</a>'


def download_route(projects: Path) -> Route:
    def download(request: Request) -> Response:
        try:
            path = offered(open_project(projects, request.path_params["project"])).get(request.path_params["name"])
        except ProjectError:
            path = None
        if path is None:
            return PlainTextResponse(say("security.no_file"), 404)
        return FileResponse(path, filename=path.name, content_disposition_type="attachment")

    return Route("/download/{project}/{name:path}", download, methods=["GET"])
