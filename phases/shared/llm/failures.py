"""What goes wrong with a service, in words: an HTTP status or an exception in, a ServiceError with advice out.

Texts that came from the service are shortened and freed of keys before they enter a sentence.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from phases.shared.llm.provider import ServiceError
from phases.shared.settings import redact

LONGEST_QUOTE = 300


@dataclass(frozen=True)
class Service:
    """How a service is spoken of. `secrets` never enter a sentence; `pull` is the command that fetches a model, if there is one."""

    name: str
    url: str
    key_name: str
    secrets: tuple[str, ...] = ()
    start: str = ""
    pull: str = ""

    def __repr__(self) -> str:
        return f"Service({self.name!r}, {self.url!r})"

    def quote(self, text: str) -> str:
        """Words of the service: without keys, on one line, not too long, with what JSON errors carry taken out."""
        try:
            content = json.loads(text)
            error = content.get("error", content)
            text = str(error.get("message", error) if isinstance(error, dict) else error)
        except (ValueError, AttributeError):
            pass
        text = " ".join(redact(text, self.secrets).split())
        return text if len(text) <= LONGEST_QUOTE else text[:LONGEST_QUOTE] + " ..."


def status_failure(service: Service, status: int, body: str, model: str, retry_after: str | None = None) -> ServiceError:
    """The failure behind an HTTP status other than 2xx."""
    said = service.quote(body)
    said = f" It said: {said}{'' if said[-1] in '.!?' else '.'}" if said else ""
    if status in (401, 403):
        return _failure(service, "provider_refused", f"{service.name} refused the key (HTTP {status}).{said}",
                        f"Check {service.key_name}, in the environment or with: python app.py set-key {service.key_name}.")
    if status == 402:
        return _failure(service, "provider_unpaid", f"{service.name} asks for payment (HTTP 402).{said}",
                        "Add credit to the account, or choose another model.")
    if status == 404:
        return _missing_model(service, model, said)
    if 300 <= status < 400:
        return _failure(service, "provider_redirect", f"{service.name} at {service.url} sent the request elsewhere (HTTP {status}); that is not followed.",
                        "Give the address where the service really is.")
    if status == 429:
        error = _failure(service, "provider_busy", f"{service.name} limits how often it may be asked (HTTP 429).{said}",
                         "Wait a little and resume the job, or use fewer workers.")
    elif status in (408, 504):
        error = _failure(service, "provider_timeout", f"{service.name} took too long (HTTP {status}).{said}",
                         "Resume the job later, or use fewer workers.")
    elif status >= 500:
        error = _failure(service, "provider_broken", f"{service.name} failed inside (HTTP {status}).{said}",
                         "Resume the job later; if it stays, see the service's own log.")
    else:
        error = _failure(service, "provider_request", f"{service.name} did not accept the request (HTTP {status}).{said}",
                         "Check the model's name and the settings of this job.")
    error.retry_after = _seconds(retry_after)
    return error


def exception_failure(service: Service, problem: Exception, timeout: float) -> ServiceError:
    """The failure behind an exception of the client library."""
    start = f"{service.start} " if service.start else ""
    if isinstance(problem, ServiceError):
        return problem
    if isinstance(problem, (httpx.ConnectError, httpx.ConnectTimeout, ConnectionError)):
        return _failure(service, "provider_down", f"{service.name} cannot be reached at {service.url}.",
                        f"{start}Check that it runs and that the address is right.")
    if isinstance(problem, (httpx.TimeoutException, TimeoutError)):
        return _failure(service, "provider_timeout", f"{service.name} did not answer within {timeout:g} seconds.",
                        "Set a longer timeout, use fewer workers, or choose a smaller model.")
    if isinstance(problem, httpx.TransportError) and not isinstance(problem, httpx.UnsupportedProtocol):
        return _failure(service, "provider_cut", f"{service.name} stopped halfway: the connection ended before the answer was whole.",
                        "Resume the job; if it happens again, see the service's own log.")
    if isinstance(problem, (httpx.InvalidURL, httpx.UnsupportedProtocol)):
        return _failure(service, "provider_address", f"'{service.url}' is not the address of a service.",
                        "It begins with http:// or https://.")
    return rubbish(service, f"{type(problem).__name__}")


def rubbish(service: Service, what: str) -> ServiceError:
    """An answer that is not what the service's protocol says."""
    return _failure(service, "provider_rubbish", f"{service.name} at {service.url} answered with something that is not its protocol ({service.quote(what)}).",
                    "Check that the address is the one of the model service, not of a web page or another program.")


def _missing_model(service: Service, model: str, said: str) -> ServiceError:
    if not model:
        return _failure(service, "provider_request", f"{service.name} has nothing at {service.url} (HTTP 404).{said}",
                        "Check the address; of an OpenAI-compatible service it usually ends in /v1.")
    pull = f"Fetch it with: {service.pull} {model}." if service.pull else \
        "Check the model's name, and the address; it usually ends in /v1."
    return _failure(service, "provider_model", f"{service.name} has no model '{model}' (HTTP 404).{said}", pull)


def _failure(service: Service, code: str, sentence: str, advice: str) -> ServiceError:
    return ServiceError(sentence, advice, subject=service.name, code=code)


def _seconds(retry_after: str | None) -> float | None:
    """`Retry-After` as seconds from now: a number, or a date (RFC 9110, 10.2.3)."""
    if not retry_after:
        return None
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


