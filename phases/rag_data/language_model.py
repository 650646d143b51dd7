"""py3langid's model, unpacked once for a machine, and read from there by every process that needs it.

In: the model file of the library (4 MB packed, 68 MB unpacked). Out: an identifier that answers as the library's own does.
Unpacking takes most of a second and 150 MB, as much for the parser of a single page as for an import of thousands. So the tables lie in
~/.cache/lehrling/languages-VERSION as NumPy files, and are mapped into memory: a process reads the pages that it looks at, and all processes
share them. Where that folder cannot be written, each process unpacks the model for itself. To free its 100 MB, delete the folder.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from py3langid.langid import MODEL_DIR, MODEL_FILE, LanguageIdentifier
from py3langid.modelio import load_model

Tables = Mapping[str, np.ndarray]

TABLES = ("weights", "priors", "classes", "moves", "rows", "features")
LONGEST_FEATURE = 6  # bytes


class FastIdentifier(LanguageIdentifier):
    """The library's identifier, with features counted by NumPy at all places of a text at once.

    The library walks from byte to byte through an automaton (Aho and Corasick, 1975) whose state is the longest beginning of a feature that
    ends at this byte. No feature is longer than six bytes, so walking the last six from the start leads to the same state.
    """

    def __init__(self, tables: Tables) -> None:
        super().__init__(tables["weights"], tables["priors"], tables["classes"].tolist(), tables["moves"], tables["features"],
                         norm_probs=True, tk_row=())
        self._rows = tables["rows"]

    def _raw_score(self, text: bytes) -> np.ndarray:
        """Scores of the languages for UTF-8 bytes."""
        features, counts = self.features_of(text)
        return np.log1p(counts.astype(np.float32)) @ self.nb_ptc[features] + self.nb_pc if len(features) else np.zeros_like(self.nb_pc)

    def features_of(self, text: bytes) -> tuple[np.ndarray, np.ndarray]:
        """The numbers of the features in a text, and how often each stands in it."""
        letters = np.frombuffer(text, np.uint8)
        states = np.zeros(len(letters), np.intp)
        for back in range(min(LONGEST_FEATURE, len(letters)) - 1, -1, -1):
            states[back:] = self.tk_nextmove.take(self._rows.take(states[back:]) + letters[:len(letters) - back])
        found = self.tk_output.take(states)
        return np.unique(found[found >= 0], return_counts=True)


def load_identifier(unpacked: Path | None = None) -> FastIdentifier:
    """The identifier; `unpacked` is the folder of the unpacked tables, by default the one in the person's cache."""
    folder = unpacked or Path.home() / ".cache" / "lehrling" / f"languages-{version('py3langid')}"
    with suppress(OSError, ValueError, EOFError):  # not there yet, or damaged
        return FastIdentifier(_mapped(folder))
    tables = _unpacked()
    with suppress(OSError):
        _keep(tables, folder)
    return FastIdentifier(tables)


def _mapped(folder: Path) -> Tables:
    return {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False).view(np.ndarray) for name in TABLES}


def _unpacked() -> Tables:
    """The library's tables in the types in which they are fastest to look things up: half floats must be made whole each time."""
    weights, priors, classes, moves, rows, features = load_model(MODEL_DIR / MODEL_FILE)
    return {"weights": weights.astype(np.float32), "priors": priors, "classes": np.array(classes), "moves": np.asarray(moves),
            "rows": np.asarray(rows, np.int32) << 8, "features": np.asarray(features, np.int32)}


def _keep(tables: Tables, folder: Path) -> None:
    """Write the tables, in place of damaged ones; of several processes the first to be done has written them for all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix="languages-", ignore_cleanup_errors=True) as scratch:
        for name, table in tables.items():
            with (Path(scratch) / f"{name}.npy").open("wb") as file:
                np.save(file, table, allow_pickle=False)
                file.flush()
                os.fsync(file.fileno())
        shutil.rmtree(folder, ignore_errors=True)
        Path(scratch).rename(folder)
