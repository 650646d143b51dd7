"""Why a push failed, in words: an exception of the hub's client in, a ModelError with advice out.

The exceptions are told apart by their class's name and the HTTP status that they carry, also behind what the client wrapped them in.
"""

from __future__ import annotations

from phases.shared.errors import LehrlingError, ModelError, causes_of
from phases.shared.jobs.context import JobStopped

NO_NETWORK = {"NetworkError", "TimeoutException", "RemoteProtocolError", "ProxyError", "OfflineModeIsEnabled", "ConnectionError", "Timeout"}
NEW_KEY = "Make a key that may write there on https://huggingface.co/settings/tokens and store it: python app.py set-key HF_TOKEN. Then resume the job."
LONGEST_QUOTE = 300


def push_failure(repo: str, problem: Exception) -> Exception:
    """The sentence for a person; a stop and our own errors come through as they are, also from inside the client's."""
    chain = causes_of(problem)
    own = next((one for one in chain if isinstance(one, JobStopped | LehrlingError)), None)
    if own is not None:
        return own
    status = next((one.response.status_code for one in chain if getattr(one, "response", None) is not None), None)
    if status is not None:
        return _refused(repo, status, _quote(chain))
    names = {kind.__name__ for one in chain for kind in type(one).__mro__}
    if names & NO_NETWORK:
        return ModelError(f"The hub cannot be reached ({type(chain[-1]).__name__}).", "Connect to the network, then resume the job: what arrived is "
                          "not sent again.", subject=repo, code="push_offline")
    if "metadata in README.md" in str(problem):
        return ModelError(f"The hub does not accept the head of the model card: {_quote(chain)}.", "Export the model again.", subject=repo, code="push_card")
    if isinstance(problem, ValueError):
        return ModelError(f"The hub did not take the files: {_quote(chain)}.", "Resume the job, or push to another name.", subject=repo, code="push_refused")
    return ModelError(f"The push failed: {type(problem).__name__}: {_quote(chain)}.", "Resume the job; if it fails again, see its log.", subject=repo,
                      code="push_failed")


def _refused(repo: str, status: int, said: str) -> ModelError:
    """By HTTP status, as the hub means them."""
    if status == 401:
        return ModelError("The hub does not know the key (HTTP 401).", NEW_KEY, subject=repo, code="push_key")
    if status == 403:
        return ModelError(f"The key may not write to {repo} (HTTP 403). The hub says: {said}.", NEW_KEY, subject=repo, code="push_forbidden")
    if status == 404:
        return ModelError(f"{repo} is not there, or the key may not see it (HTTP 404).", NEW_KEY, subject=repo, code="push_missing")
    if status == 429 or status >= 500:
        return ModelError(f"The hub is busy or failed inside (HTTP {status}).", "Resume the job later: what arrived is not sent again.", subject=repo,
                          code="push_busy")
    return ModelError(f"The hub refused the push (HTTP {status}): {said}.", "Mend that and resume the job: what arrived is not sent again.", subject=repo,
                      code="push_refused")


def _quote(chain: list[BaseException]) -> str:
    """What the hub said, on one line and not too long."""
    said = next((one.server_message for one in chain if getattr(one, "server_message", None)), str(chain[0]))
    line = " ".join(said.split()).rstrip(".")
    return line if len(line) <= LONGEST_QUOTE else f"{line[:LONGEST_QUOTE]} ..."
