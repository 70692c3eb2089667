"""Every way in which the hub says no, as one sentence."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from punie.errors import PunieError, UsageError

SITE = "https://huggingface.co"
LOGIN = "log in with `hf auth login`, or set HF_TOKEN"


@contextmanager
def explained(what: str, id: str, offline: str) -> Generator[None]:
    """Raises UsageError that names `id`, a `what` of the hub; `offline` is what to do where it is unreachable."""
    from huggingface_hub import errors

    try:
        yield
    except PunieError:
        raise
    except errors.GatedRepoError as error:
        page = f"{SITE}/{'datasets/' if what == 'dataset' else ''}{id}"
        raise UsageError(f"The {what} {id!r} is gated.", hint=f"Accept its terms at {page}, then {LOGIN}.") from error
    except errors.RevisionNotFoundError as error:
        raise UsageError(f"The {what} {id!r} has no such revision.") from error
    except (errors.RepositoryNotFoundError, errors.HFValidationError) as error:
        hint = f"For a private one, {LOGIN}."
        raise UsageError(f"There is no {what} called {id!r} on the hub.", hint=hint) from error
    except errors.HfHubHTTPError as error:
        raise UsageError(f"The hub does not give out {id!r}: {str(error).splitlines()[0]}") from error
    except (errors.HTTPError, errors.LocalEntryNotFoundError, ConnectionError) as error:
        raise UsageError(f"The hub cannot be reached for {id!r}.", hint=offline) from error
