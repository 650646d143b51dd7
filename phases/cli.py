"""The command line: a twin for every button. Each command calls the function that the button calls.

    python app.py COMMAND [PROJECT] [...]        python app.py COMMAND --help

Out: words for a person on stdout, or one JSON document with `--json`; progress bars and logs on stderr.
Exit codes: EXIT_CODES below.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from phases import commands, job_commands, rag_commands, rag_words, words
from phases.shared.errors import LehrlingError, ProjectError, SettingError
from phases.shared.models.search_models import SEARCH_MODES
from phases.shared.options import Option, options_of
from phases.shared.project import DOMAINS, projects_folder

EXIT_FAILED, EXIT_WRONG_WORD, EXIT_DETACHED = 1, 2, 130
EXIT_CODES = ("exit codes: 0 done; 1 a job or request failed, or a plan (--plan) says not ready; 2 a wrong word (command, flag, project, setting); "
              "130 let go by Ctrl-C")


@dataclass(frozen=True)
class Command:
    """One word of the command line.

    `run` takes the parsed arguments and returns what `--json` prints; `show` turns that into words.
    """

    name: str
    help: str
    run: Callable[[argparse.Namespace], Any]
    show: Callable[[Any], str]
    arguments: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = ()
    config: str = ""
    needs_project: bool = True


def _argument(*names: str, **about: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
    return names, about


PAGE = (_argument("--page", type=int, default=1, help="page of 50 rows"),)
CHUNK = (_argument("id", type=int, help="the chunk's number"),)
PAIR = (_argument("id", type=int, help="the pair's number"),)
JOB = (_argument("job", nargs="?", metavar="JOB", help="its id, as 'jobs' prints it (by default the newest of the project that fits)"),)
TEMPLATE_FILE = _argument("--template-file", metavar="FILE", help="the template for records, from a file")
DETACH = _argument("--detach", action="store_true", help="start the job and return at once")
LATER = (DETACH, _argument("--after", metavar="JOB", help="start when that job is done, with the model that it makes"),
         _argument("--at", metavar="TIME", help="start no earlier: 22, 10pm, 'tomorrow 6:00', 'in 2 h', '2026-12-24 18:30', by this machine's clock"))
TRAINING = (
    *LATER, _argument("--plan", action="store_true", help="show the plan (steps, time, memory, disk, warnings), start nothing; exit code 1 when not ready"),
    _argument("--probe", action="store_true", help="measure time and memory with a few steps, then show the plan"),
    _argument("--config", dest="settings_file", metavar="FILE", help="settings from a YAML file instead of the project's; flags win over it"),
    _argument("--print-config", action="store_true", help="print the settings as such a file, start nothing"),
    _argument("--keep", action="store_true", help="keep the settings as the project's default, start nothing"))

COMMANDS: tuple[Command, ...] = (
    Command("demo", "run all four phases on the sample documents, in the project sample-demo", commands.demo,
            words.show_demo, (_argument("--name", default="sample-demo", help="the project to work in"),),
            needs_project=False),
    Command("projects", "list the projects", commands.projects, words.show_projects, needs_project=False),
    Command("new", "create a project", commands.new, words.show_new, (
        _argument("--language", default="en", help="language of the documents: en, de ..."),
        _argument("--domain", default="general", choices=DOMAINS, help="what the documents are about"),
        _argument("--base-model", default="builtin", help="builtin, a Hugging Face id, or a folder"))),
    Command("base-models", "list base models with their memory for each method, or search the hub", commands.base_models,
            words.show_base_models, (_argument("--search", metavar="WORDS", help="search the Hugging Face hub for these words instead"),),
            needs_project=False),
    Command("ingest", "documents -> chunks (tab 1)", rag_commands.ingest, rag_words.show_ingest,
            (_argument("files", nargs="+", metavar="FILE", help="PDF, DOCX, PPTX, XLSX, ODT, RTF, EPUB, HTML, MD, TXT, CSV, TSV, "
             "JSON, JSONL, Parquet, an existing knowledge base (SQLite), or a ZIP or folder of them"), TEMPLATE_FILE, DETACH),
            config="phases.rag_data.config:IngestConfig"),
    Command("import-dataset", "rows of a Hugging Face data set -> chunks; fetched by the job, nothing of it is run", rag_commands.import_dataset,
            rag_words.show_dataset, (_argument("dataset", metavar="ID_OR_FOLDER", help="OWNER/NAME on the hub, or a folder with a data set"),
                                 _argument("--look", action="store_true", help="only show its columns and first rows"), TEMPLATE_FILE, DETACH),
            config="phases.rag_data.config:DatasetConfig"),
    Command("sample-data", "add invented records to try the program with: athletes, patients or tickets", rag_commands.sample_data,
            rag_words.show_ingest, (_argument("--kind", default="athletes", help="athletes, patients or tickets"),
                                _argument("--count", type=int, default=200, help="how many"), _argument("--seed", type=int, default=42), DETACH)),
    Command("preview", "show a file's first records or chunks as they would be stored; nothing is stored", rag_commands.preview,
            rag_words.show_preview, (_argument("file", metavar="FILE", help="a document, or a file of records"), TEMPLATE_FILE),
            config="phases.rag_data.config:IngestConfig"),
    Command("reingest", "read documents again from their stored originals with other settings", rag_commands.reingest, rag_words.show_ingest,
            (_argument("documents", nargs="*", metavar="DOCUMENT", help="their names (all documents when none is given)"), DETACH),
            config="phases.rag_data.config:IngestConfig"),
    Command("clean-preview", "show what each cleaning step changes in a file or document, without storing anything",
            rag_commands.clean_preview, rag_words.show_clean_preview, (_argument("what", metavar="FILE_OR_DOCUMENT", help="a document's name, or a file"),),
            config="phases.rag_data.config:IngestConfig"),
    Command("documents", "list the documents", rag_commands.documents, rag_words.show_documents),
    Command("remove", "remove a document and its chunks", rag_commands.remove, words.show_sentence,
            (_argument("source", help="the document's file name"),)),
    Command("chunks", "page through the chunks", rag_commands.chunks, rag_words.show_chunks, (
        *PAGE, _argument("--source", help="only of this document"),
        _argument("--state", choices=("active", "excluded", "held_out"), help="only in this state"),
        _argument("--contains", metavar="TEXT", help="only chunks with these characters in a row"),
        _argument("--language", metavar="CODE", help="only chunks in this language: de, en ..., unknown"))),
    Command("edit-chunk", "replace a chunk's text", rag_commands.edit_chunk, words.show_sentence,
            (*CHUNK, _argument("--content", required=True, help="the new text; - reads it from standard input"))),
    Command("exclude", "keep a chunk out of search, training and questions", rag_commands.exclude, words.show_sentence, CHUNK),
    Command("include", "take an excluded chunk back in", rag_commands.include, words.show_sentence, CHUNK),
    Command("delete-chunk", "delete a chunk", rag_commands.delete_chunk, words.show_sentence, CHUNK),
    Command("split-chunk", "cut a chunk in two", rag_commands.split_chunk, words.show_sentence,
            (*CHUNK, _argument("--at", required=True, metavar="TEXT-or-OFFSET",
                               help="the words that the second part begins with, or the number of characters of the first"))),
    Command("merge-chunks", "join a chunk with the one behind it in its document", rag_commands.merge_chunks, words.show_sentence, CHUNK),
    Command("report", "count and check the chunks: sizes, histogram, empty, too short or long, duplicates, languages, columns", rag_commands.report,
            rag_words.show_report, config="phases.rag_data.config:ReportConfig"),
    Command("exclude-duplicates", "exclude the chunks that repeat another one, as the report shows them", rag_commands.exclude_duplicates,
            rag_words.show_excluded, (_argument("--similarity", type=float, metavar="X", help="near duplicates from (see report)"),)),
    Command("undo", "undo the last change to a chunk or pair", rag_commands.undo, words.show_sentence),
    Command("embed", "give every chunk a vector, for search by meaning", rag_commands.embed, words.show_job, (DETACH,),
            config="phases.rag_data.config:EmbedConfig"),
    Command("search", "search in the chunks by words, by meaning, or by both", rag_commands.search, rag_words.show_search, (
        _argument("query", help="what to look for"), _argument("--limit", type=int, default=10, help="hits at most"),
        _argument("--mode", choices=SEARCH_MODES, default="text", help="text: these words; semantic: this meaning; hybrid: both"),
        _argument("--threshold", type=float, metavar="X", help="only hits with at least this score: BM25 in text, the cosine (-1 to 1) in "
                  "semantic, 0 to 1 in hybrid and reranked"),
        _argument("--rerank", action="store_true", help="order the best 50 hits anew by the project's cross-encoder"),
        _argument("--rerank-model", metavar="M", default="", help="by this one: a folder or Hugging Face id"))),
    Command("cpt", "chunks -> CPT model (tab 2)", commands.cpt, words.show_cpt, TRAINING, config="phases.cpt.config:CptConfig"),
    Command("sft-data", "chunks -> question-answer pairs (tab 3)", commands.sft_data, words.show_sft_data,
            (*LATER, _argument("--test", action="store_true", help="only test the provider")),
            config="phases.sft_data.config:WriteConfig"),
    Command("pairs", "page through the question-answer pairs", commands.pairs, words.show_pairs, (
        *PAGE, _argument("--state", choices=("open", "accepted", "rejected")), _argument("--style"),
        _argument("--source", help="only from this document"))),
    Command("accept", "accept a pair", commands.accept, words.show_sentence, PAIR),
    Command("reject", "reject a pair", commands.reject, words.show_sentence,
            (*PAIR, _argument("--reason", default="", help="why"))),
    Command("edit-pair", "change a pair's words", commands.edit_pair, words.show_sentence,
            (*PAIR, _argument("--instruction"), _argument("--output"))),
    Command("export-data", "write the data set as data/NAME.jsonl", commands.export_data, words.show_sentence,
            (_argument("--dataset", default="sft_data", help="the data set's name"),)),
    Command("sft", "CPT model + pairs -> final model (tab 4)", commands.sft, words.show_sft, TRAINING, config="phases.sft.config:SftConfig"),
    Command("evaluate", "ask base, CPT and final model the held-out questions", commands.evaluate, words.show_evaluation,
            LATER, config="phases.sft.config:EvaluateConfig"),
    Command("models", "list the project's models: what each was made from, when, its figures and size", commands.models, words.show_models),
    Command("delete-model", "delete a model that no job needs; the run that made it stays", commands.delete_model, words.show_sentence,
            (_argument("model", metavar="MODEL", help="its name, as 'models' lists it"),)),
    Command("chat", "ask a model of the project", commands.chat, words.show_chat, (
        _argument("--model", default="final", help="a name that 'models' lists: base, cpt, final ..."),
        _argument("--prompt", help="the question; without it, questions are read line by line"),
        _argument("--system", default="", help="system prompt"),
        _argument("--temperature", type=float, default=0.7, help="0 answers greedily"),
        _argument("--top-p", type=float, default=0.9), _argument("--top-k", type=int, default=50),
        _argument("--max-new-tokens", type=int, default=256))),
    Command("export", "write a model for use elsewhere", commands.export, words.show_export, LATER,
            config="phases.sft.config:ExportConfig"),
    Command("push", "send an exported model to the Hugging Face hub, as a private repository unless told otherwise", commands.push, words.show_push, (
        _argument("repo", metavar="OWNER/NAME", help="the repository; it is made where it is not there"),
        _argument("--plan", action="store_true", help="show what would be sent and who could see it, start nothing; exit code 1 when not ready"), DETACH),
            config="phases.sft.config:PushConfig"),
    Command("jobs", "list the jobs, or change their order", job_commands.jobs, words.show_jobs, (
        _argument("project", nargs="?", help="only of this project"), _argument("--log", metavar="JOB", help="show a job's log"),
        _argument("--move", nargs=2, metavar=("JOB", "WHERE"), help="let a waiting job go up, down or first")),
            needs_project=False),
    Command("stop", "stop a job and save, so that it can be resumed", job_commands.stop, words.show_sentence, JOB),
    Command("cancel", "end a job without saving", job_commands.cancel, words.show_sentence, JOB),
    Command("resume", "go on with a stopped, interrupted or failed job", job_commands.resume, words.show_job, (*JOB, DETACH)),
    Command("compare", "training runs side by side: what differs in settings and results", job_commands.compare, words.show_comparison,
            (_argument("jobs", nargs="+", metavar="JOB", help="ids of two or more runs of one kind"),)),
    Command("set-key", "store a provider's key, read from standard input", commands.set_key, words.show_sentence,
            (_argument("name", help="for example OPENROUTER_API_KEY"),), needs_project=False),
)


def main(words: Sequence[str]) -> int:
    """Run one command; returns the exit code."""
    arguments = build_parser().parse_args(words)
    command: Command = arguments.command
    arguments.projects = projects_folder(arguments.projects)
    arguments.settings = {name: getattr(arguments, name) for name in arguments.setting_names}
    try:
        result = command.run(arguments)
    except KeyboardInterrupt:
        print("\nDetached. Nothing was stopped: 'python app.py jobs' shows what goes on.", file=sys.stderr)
        return EXIT_DETACHED
    except LehrlingError as error:
        return _report(error, arguments.json)
    _print(json.dumps(result, ensure_ascii=False, indent=1, default=str) if arguments.json else command.show(result))
    return EXIT_FAILED if _went_wrong(result) else 0


def _went_wrong(result: Any) -> bool:
    """Whether the job did not get done, none of the files was taken, or what was planned cannot start."""
    return isinstance(result, Mapping) and (result.get("state") in job_commands.BAD_ENDS or result.get("taken") is False
                                            or bool(result.get("plan", {}).get("missing")))


def _print(text: str) -> None:
    """Print to a reader who may have left, as `| head` does."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains while leaving


def _report(error: LehrlingError, as_json: bool) -> int:
    if as_json:
        print(json.dumps({"error": error.as_record()}, ensure_ascii=False, indent=1))
    print(f"lehrling: {error}", file=sys.stderr)
    return EXIT_WRONG_WORD if isinstance(error, ProjectError | SettingError) else EXIT_FAILED


def build_parser() -> argparse.ArgumentParser:
    """All commands with their flags; a job's flags come from its configuration class."""
    parser = argparse.ArgumentParser(prog="python app.py", description="Lehrling: documents to a small model that knows them. "
                                     "Without a command it opens the window.", epilog=EXIT_CODES)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--projects", metavar="DIR", help="another projects folder (else LEHRLING_PROJECTS, else projects/)")
    common.add_argument("--json", action="store_true", help="print one JSON document")
    words = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        word = words.add_parser(command.name, help=command.help, description=command.help, parents=[common], epilog=EXIT_CODES)
        if command.needs_project:
            word.add_argument("project", metavar="NAME", help="the project's name")
        for names, about in command.arguments:
            word.add_argument(*names, **about)
        fields = options_of(commands.load(command.config)) if command.config else []
        for field in fields:
            _add_flag(word, field)
        word.set_defaults(command=command, setting_names=[field.name for field in fields])
    return parser


def _add_flag(parser: argparse.ArgumentParser, field: Option) -> None:
    """A flag of a configuration field; None (not given) lets preset, project.yaml and default speak."""
    unit = f" [{field.unit}]" if field.unit else ""
    shown = "none" if field.default == "" else field.default
    about: dict[str, Any] = {"dest": field.name, "default": None,
                             "help": f"{field.label}{unit}: {field.help} (default {shown})".replace("%", "%%")}
    if field.kind is bool:
        about["action"] = argparse.BooleanOptionalAction
    else:
        about["metavar"] = {int: "N", float: "X", str: "TEXT"}[field.kind]
    parser.add_argument(field.flag, **about)
