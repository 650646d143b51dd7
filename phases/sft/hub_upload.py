"""Files into a model repository of the Hugging Face hub, through its own client. For the child process of a push only.

In: a key, a repository's name, and the files of a verified export. Out: one commit that holds them all; before it a stranger sees
nothing. Files that the hub has already are not sent again. Large files go as LFS objects over plain HTTPS (no Xet): so their bytes can be
counted, and a stop is heeded in the middle of one.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, BinaryIO

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, constants, get_session

from phases.shared.errors import ModelError

PATIENCE_SECONDS = 60.0
WEIGHTS = ("*.safetensors", "*.safetensors.index.json", "adapter_config.json")  # left over from an earlier push they would be loaded instead of the new ones


class CountedFile(io.BufferedReader):
    """A file that tells where it was read up to; what `told` raises ends the reading."""

    def __init__(self, path: str, told: Callable[[int], None]) -> None:
        super().__init__(io.FileIO(path))
        self._told = told

    def read(self, size: int | None = -1) -> bytes:
        content = super().read(size)
        self._told(self.tell())
        return content


class CountedAddition(CommitOperationAdd):
    """A file of the commit; the client opens it once more for each time that it sends it."""

    told: Callable[[int], None]

    @contextmanager
    def as_file(self, with_tqdm: bool = False) -> Iterator[BinaryIO]:
        if not with_tqdm:  # read into the commit itself, or to be hashed
            with super().as_file() as file:
                yield file
            return
        with CountedFile(str(self.path_or_fileobj), self.told) as file:
            yield file


def open_hub(key: str) -> HfApi:
    """The client with the person's key. Raises ModelError where HF_HUB_OFFLINE forbids the network."""
    if constants.HF_HUB_OFFLINE:
        raise ModelError("The hub may not be asked: HF_HUB_OFFLINE is set.", "Unset it and resume the job.", code="push_offline")
    constants.HF_HUB_DISABLE_XET = True  # of this process; the variable of that name is read when the library loads
    return HfApi(token=key)


def check_owner(api: HfApi, repo: str) -> None:
    """Raises ModelError when the key may only read, or is neither of the repository's owner nor of a member of that organisation."""
    be_patient()
    me = api.whoami()
    role = (me.get("auth") or {}).get("accessToken", {}).get("role")
    if role == "read":
        raise ModelError(f"The key of {me['name']} may only read.", "Make one that may write on https://huggingface.co/settings/tokens and store it: "
                         "python app.py set-key HF_TOKEN.", subject=repo, code="push_read_only")
    owner, _, name = repo.rpartition("/")
    owners = [me["name"], *(one["name"] for one in me.get("orgs") or ())]
    if owner.lower() not in [one.lower() for one in owners]:
        raise ModelError(f"'{owner}' is another owner: the key is that of {me['name']}.",
                         f"Push to {' or '.join(f'{one}/{name}' for one in owners)}, or use a key of '{owner}'.", subject=repo, code="push_owner")


def make_repository(api: HfApi, repo: str, *, public: bool) -> str:
    """Create it where it is not there; returns its address. Raises ModelError when it is there and can be seen otherwise than wanted."""
    be_patient()
    address = api.create_repo(repo, private=not public, exist_ok=True)
    private = bool(api.repo_info(repo, timeout=PATIENCE_SECONDS).private)
    if private == public:
        seen, wanted = ("private", "with --public") if private else ("public: everybody can read it", "without --public")
        raise ModelError(f"{repo} is there already and is {seen}; the push was asked for {wanted}.", "Change that on its page "
                         f"({address}/settings), choose another name, or push {'without' if public else 'with'} --public.", subject=repo,
                         code="push_visibility")
    return str(address)


def upload(api: HfApi, repo: str, folder: Path, files: Mapping[str, Mapping[str, Any]], card: bytes, message: str,
           told: Callable[[str, int], None]) -> str:
    """Send the files and commit them; returns the commit's id.

    Args:
        files: {name: {"bytes", "sha256"}}. card: what README.md holds. told: hears the file and how many bytes of all were sent.
    """
    additions = [_addition(folder, name, about, card) for name, about in files.items()]
    before = 0
    for one in additions:
        if isinstance(one, CountedAddition):
            one.told = lambda at, name=one.path_in_repo, before=before: told(name, before + at)
        told(one.path_in_repo, before)
        be_patient()
        api.preupload_lfs_files(repo, [one])
        before += files[one.path_in_repo]["bytes"]
    told("", before)
    return str(api.create_commit(repo, [*_left_over(api, repo, files), *additions], commit_message=message).oid)


def _addition(folder: Path, name: str, about: Mapping[str, Any], card: bytes) -> CommitOperationAdd:
    if name == "README.md":
        return CommitOperationAdd(name, card)
    addition = CountedAddition(name, str(folder / name))
    addition.upload_info.sha256 = bytes.fromhex(about["sha256"])  # known, so it is not read once more
    return addition


def _left_over(api: HfApi, repo: str, files: Mapping[str, Any]) -> list[CommitOperationDelete]:
    there = api.list_repo_files(repo)
    return [CommitOperationDelete(one) for one in there if one not in files and any(fnmatch(one, pattern) for pattern in WEIGHTS)]


def be_patient() -> None:
    """The client has no limit of time of its own and opens a new session after a failure."""
    get_session().timeout = PATIENCE_SECONDS
