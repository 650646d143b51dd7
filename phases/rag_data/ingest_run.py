"""What an import's own process does: it has the parsers' libraries loaded while it loads its own, then reads the files.

In: a job's frozen inputs (see ingest.py). Out: its records and its result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from phases.rag_data.extract.parser_process import ForkServer

if TYPE_CHECKING:
    from phases.rag_data.config import IngestConfig
    from phases.shared.jobs.context import JobContext


def run(context: JobContext, config: IngestConfig) -> dict[str, Any]:
    """Read every file; one record each, so that a stopped job goes on behind the last one."""
    with ForkServer() as server:
        from phases.rag_data.shelf import read_files  # takes a moment, in which the server loads more

        return read_files(context, config, server)
