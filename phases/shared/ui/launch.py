"""Open the window: rules first, then Gradio with everything switched off that this program does not need.

In: the projects folder, host, port, path prefix, token. Out: a running window until Ctrl-C.
Command: `python app.py [--host H] [--port N] [--root-path /PREFIX] [--projects DIR] [--token SECRET]`.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from phases.shared.ui.security import MAX_FILE_BYTES, Guard, Rules, rules_for
from phases.shared.ui.texts import say

ALWAYS_SET = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1",
              "GRADIO_SSR_MODE": "False", "GRADIO_SHARE": "False", "GRADIO_MCP_SERVER": "False", "GRADIO_RUN_HISTORY": "False"}
NEVER_SET = ("GRADIO_VIBE_MODE", "GRADIO_WATCH_DIRS", "GRADIO_ALLOWED_PATHS", "GRADIO_ROOT_PATH", "GRADIO_NUM_WORKERS")
WORKER_RETRY_SECONDS = 5.0


@dataclass(frozen=True)
class Opening:
    """How the window was asked to open."""

    projects: Path
    host: str = "127.0.0.1"
    port: int = 7860
    root_path: str = ""
    token: str = ""
    allowed_hosts: tuple[str, ...] = ()


def open_window(opening: Opening, tabs: Callable[[], Sequence], sample: Callable[[Path], str]) -> None:
    """Serve until interrupted. `tabs` is called after the environment is set, since it imports Gradio.

    Raises SettingError for a host beyond this machine without a token.
    """
    rules_for(opening.host, opening.token, opening.allowed_hosts)
    opening.projects.mkdir(parents=True, exist_ok=True)
    uploads = Path(tempfile.mkdtemp(prefix="lehrling-uploads-"))
    _set_environment(uploads)
    _end_on_signals()
    from phases.shared.models.host_client import ModelHost

    try:
        with ModelHost() as host, Working(opening.projects):
            _serve(opening, rules_for(opening.host, opening.token, opening.allowed_hosts, uploads), host, tabs, sample)
    finally:
        shutil.rmtree(uploads, ignore_errors=True)


def _serve(opening: Opening, rules: Rules, host: object, tabs: Callable[[], Sequence], sample: Callable[[Path], str]) -> None:
    from starlette.middleware import Middleware

    from phases.shared.ui.downloads import download_route
    from phases.shared.ui.layout import build_window
    from phases.shared.ui.theme import head, style_sheet, window_theme
    from phases.shared.ui.window import Window

    blocks = build_window(Window(opening.projects, opening.root_path.rstrip("/"), host), tabs(), sample)
    blocks.queue(api_open=False, default_concurrency_limit=8)
    blocks.launch(server_name=opening.host, server_port=opening.port, root_path=opening.root_path or None, share=False,
                  inbrowser=False, quiet=True, show_error=False, prevent_thread_lock=True, footer_links=[], run_history=False,
                  enable_monitoring=False, mcp_server=False, ssr_mode=False, pwa=False, max_file_size=MAX_FILE_BYTES,
                  app_kwargs={"middleware": [Middleware(Guard, rules=rules)], "routes": [download_route(opening.projects)],
                              "openapi_url": None},
                  theme=window_theme(), css=style_sheet(), head=head())
    print(say("launch.ready", address=_address(opening)), flush=True)
    try:
        threading.Event().wait()
    finally:
        blocks.close(verbose=False)


def _address(opening: Opening) -> str:
    host = "localhost" if opening.host in ("0.0.0.0", "::") else opening.host
    name = f"[{host}]" if ":" in host else host
    login = "?token=…" if opening.token else ""
    return f"http://{name}:{opening.port}{opening.root_path.rstrip('/')}/{login}"


class Working:
    """Works off the queue while the window is open; when another process does that already, takes over once it ends."""

    def __init__(self, projects: Path) -> None:
        self.projects = projects
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep_working, name="take-over", daemon=True)

    def __enter__(self) -> Working:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _keep_working(self) -> None:
        from phases.shared.jobs.worker import Worker

        worker = Worker.try_start(self.projects)
        while not self._ended.wait(WORKER_RETRY_SECONDS):
            worker = worker or Worker.try_start(self.projects)
        if worker is not None:
            worker.stop()


def _set_environment(uploads: Path) -> None:
    os.environ.update(ALWAYS_SET, GRADIO_TEMP_DIR=str(uploads))
    for name in NEVER_SET:
        os.environ.pop(name, None)


def _end_on_signals() -> None:
    def leave(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, leave)
