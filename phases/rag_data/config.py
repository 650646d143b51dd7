"""What can be chosen when documents are added (chunk size, template, held-out share, cleaning steps) and when chunks are embedded.

In: preset, project.yaml, form or flags, through `phases.shared.options.resolve`. Out: an `IngestConfig` or `EmbedConfig`.
Commands: `python app.py ingest NAME FILE... --chunk-size 500 --chunk-overlap 50`, `python app.py embed NAME --model M`.
"""

from __future__ import annotations

from dataclasses import dataclass

from phases.rag_data.templates import parse_template
from phases.shared.errors import SettingError
from phases.shared.options import option


@dataclass(frozen=True)
class IngestConfig:
    """Settings of an import; each document is cut with the settings it was added with."""

    chunk_size: int = option(500, label="Chunk size", unit="tokens", low=32, high=8192,
                             help="Longest chunk, counted with the project's tokenizer.")
    chunk_overlap: int = option(50, label="Overlap", unit="tokens", low=0, high=4096,
                                help="How much of a chunk's end is repeated at the start of the next one.")
    template: str = option("", label="Template for records",
                           help="How a row of a CSV, JSON, Parquet or XLSX file reads: words with its columns in braces, as in {name} ran "
                                "{time} s. Empty lists the fields of each row, and keeps sheets as tables.")
    holdout_percent: float = option(5.0, label="Held out", unit="%", low=0, high=50, advanced=True,
                                    help="Share of each document's sections that is kept to measure perplexity: never "
                                         "trained on, never asked about. Documents of few sections keep none.")
    normalise_unicode: bool = option(True, label="Compose letters", group="cleaning",
                                     help="Makes one character of a letter and its accent (Unicode NFC), so that search finds both.")
    decode_entities: bool = option(True, label="Decode HTML entities", group="cleaning",
                                   help="Turns &amp; into & and &uuml; into ü where they were left in the text; not in code.")
    remove_control: bool = option(True, label="Remove invisible characters", group="cleaning",
                                  help="Soft hyphens, zero-width spaces, direction marks, signs of private fonts. Control "
                                       "characters always go.")
    remove_symbols: bool = option(False, label="Remove symbols", group="cleaning", help="Emoji, dingbats and drawing characters.")
    keep_punctuation: bool = option(True, label="Keep punctuation", group="cleaning",
                                    help="When symbols are removed: off removes punctuation too, but not within words and numbers.")
    remove_urls: bool = option(False, label="Remove web addresses", group="cleaning",
                               help="Takes addresses out; the words of a link stay. Off, since contacts are knowledge.")
    remove_emails: bool = option(False, label="Remove e-mail addresses", group="cleaning",
                                 help="Off, since contacts are knowledge.")
    drop_repeated_lines: bool = option(True, label="Drop page headers and footers", group="cleaning",
                                       help="Leaves out lines that return at the top or foot of most pages of a PDF, and page numbers.")
    join_lines: bool = option(True, label="Join wrapped lines", group="cleaning",
                              help="Makes one line of each paragraph whose lines were broken to fit a page.")
    join_hyphenation: bool = option(True, label="Join hyphenated words", group="cleaning",
                                    help="Puts words together again that were parted by a hyphen at the end of a line.")
    drop_duplicates: bool = option(False, label="Drop repeated paragraphs", group="cleaning",
                                   help="Keeps the first of paragraphs of 40 characters and more that are the same in a document.")
    limit_length: bool = option(False, label="Limit the length of paragraphs", group="cleaning",
                                help="Leaves out paragraphs shorter or longer than below; headings, tables, lists and code stay.")
    min_chars: int = option(10, label="Shortest paragraph", unit="characters", low=0, high=100_000, group="cleaning",
                            help="When the length is limited.")
    max_chars: int = option(2048, label="Longest paragraph", unit="characters", low=1, high=10_000_000, group="cleaning",
                            help="When the length is limited.")
    normalise_space: bool = option(True, label="Tidy white space", group="cleaning",
                                   help="Joins runs of blanks and of empty lines; code keeps its own.")
    workers: int = option(0, label="Files at a time", unit="files", low=0, high=64, advanced=True,
                          help="How many files are read side by side; 0 takes all cores, as far as memory allows.")


@dataclass(frozen=True)
class ReportConfig:
    """What the report tells of."""

    shortest: int = option(10, label="Shortest chunk", unit="tokens", low=0, high=100_000, help="Tells of chunks with fewer.")
    longest: int = option(2048, label="Longest chunk", unit="tokens", low=1, high=1_000_000, help="Tells of chunks with more.")
    similarity: float = option(0.85, label="Nearly the same from", low=0.5, high=1.0,
                               help="Share of common runs of five words from which two chunks are near duplicates.")
    language: str = option("", label="Expected language",
                           help="Codes such as de, or en,fr; empty takes the project's. Tells of chunks in others.")


@dataclass(frozen=True)
class DatasetConfig:
    """Settings of a data set's import; its rows are cut with the project's settings for documents."""

    config: str = option("", label="Configuration", help="Which part of the data set, where it has several; empty for those that have one.")
    split: str = option("", label="Split", help="Which split; empty takes 'train', or the only one.")
    limit: int = option(1000, label="Rows", unit="rows", low=1, high=50_000, help="Take so many rows from the beginning.")
    template: str = option("", label="Template", help="How a row reads: words with its columns in braces. Empty takes a ready template "
                                                      "that fits (question and answer, instruction and output, text), else lists the fields.")


@dataclass(frozen=True)
class EmbedConfig:
    """Settings of a run that gives every chunk its vector for semantic search."""

    model: str = option("", label="Embedding model",
                        help="Folder or Hugging Face id of a sentence-transformers model; empty takes the project's.")
    batch_size: int = option(32, label="Batch size", unit="texts", low=1, high=1024, advanced=True,
                             help="Texts that go through the model at once; fewer need less memory.")


def check_config(config: IngestConfig) -> None:
    """Raises SettingError when the overlap would leave no room for new text, the limits none for any, or the template cannot be read."""
    if config.template.strip():
        parse_template(config.template)
    if config.chunk_overlap >= config.chunk_size:
        raise SettingError(f"An overlap of {config.chunk_overlap} tokens does not fit into chunks of {config.chunk_size}.",
                           "Choose an overlap below the chunk size; a tenth of it is usual.", subject="chunk_overlap",
                           code="setting_range")
    if config.min_chars > config.max_chars:
        raise SettingError(f"No paragraph has at least {config.min_chars} and at most {config.max_chars} characters.",
                           "Choose a longest paragraph above the shortest.", subject="max_chars", code="setting_range")
