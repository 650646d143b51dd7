"""The one error tree: every error that a person can meet says what happened, to what, and what to do next.

    LehrlingError
    ├── ProjectError        a project's name, folder or settings file
    ├── SettingError        a field of a configuration: unknown, wrong kind, out of range
    ├── FileRejected        a document that cannot be read (encrypted, empty, not what its name says ...)
    ├── ProviderError       a language model service: down, refused, rubbish, stopped halfway
    ├── ModelError          a model folder or id that cannot be loaded
    ├── NotReady            a job that cannot start, with everything that is missing
    ├── JobError            a job that is unknown, or in a state that forbids the request
    ├── CheckpointError     a checkpoint that does not verify
    └── StorageError        disk full, database of another version, a row that is gone

`code` names the kind for programs, `subject` is the file, field, job or service it happened to, `sentence` says what
happened and `advice` what to do. `str(error)` is both in one line.
"""

from __future__ import annotations


class LehrlingError(Exception):
    """Base of all errors that carry a sentence for a person.

    Args:
        sentence: what happened, a whole sentence.
        advice: what to do next, a whole sentence; may be empty.
        subject: what it happened to (file name, field, job id ...).
        code: finer kind for programs; the class's own code when empty.
    """

    code = "error"

    def __init__(self, sentence: str, advice: str = "", *, subject: str = "", code: str = "") -> None:
        self.sentence = sentence
        self.advice = advice
        self.subject = subject
        self.code = code or type(self).code
        super().__init__(f"{sentence} {advice}".strip())

    def __reduce__(self) -> tuple:
        """Pickle by keyword, so that an error survives the way out of a child process."""
        return (_rebuild, (type(self), self.sentence, self.advice, self.subject, self.code))

    def as_record(self) -> dict[str, str]:
        """The error as plain data, for a job's outcome file and for `--json`."""
        return {"code": self.code, "subject": self.subject, "sentence": self.sentence, "advice": self.advice}


def _rebuild(kind: type[LehrlingError], sentence: str, advice: str, subject: str, code: str) -> LehrlingError:
    return kind(sentence, advice, subject=subject, code=code)


class ProjectError(LehrlingError):
    code = "project"


class SettingError(LehrlingError):
    code = "setting"


class FileRejected(LehrlingError):
    code = "file_rejected"


class ProviderError(LehrlingError):
    code = "provider"


class ModelError(LehrlingError):
    code = "model"


class NotReady(LehrlingError):
    """A job that cannot start. `missing` lists every reason, so that a Start button can show them all."""

    code = "not_ready"

    def __init__(self, sentence: str, advice: str = "", *, subject: str = "", code: str = "",
                 missing: tuple[str, ...] = ()) -> None:
        super().__init__(sentence, advice, subject=subject, code=code)
        self.missing = missing or (sentence,)


class JobError(LehrlingError):
    code = "job"


class CheckpointError(LehrlingError):
    code = "checkpoint"


class StorageError(LehrlingError):
    code = "storage"


def causes_of(problem: BaseException) -> list[BaseException]:
    """An exception and what it came from, the outermost first; a library may have made a circle of them."""
    found: list[BaseException] = []
    one: BaseException | None = problem
    while one is not None and all(one is not other for other in found):
        found.append(one)
        one = one.__cause__ or one.__context__
    return found
