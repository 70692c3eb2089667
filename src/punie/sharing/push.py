"""`punie push`: an adapter or a model into a repository of the hub, in one commit, and all of it or nothing."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from punie.errors import PunieError, UsageError
from punie.refusals import LOGIN, SITE, explained
from punie.sharing.card import MARK
from punie.sharing.package import Asked, Packed, packed, stale

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import ModelInfo

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]{0,95}", re.A)
_OFFLINE = "Check the connection, then push again."


@dataclass(frozen=True, slots=True)
class Pushed:
    """`commit` is the one that now holds what was pushed, whether or not anything had changed."""

    url: str
    commit: str
    private: bool


def require_ready(repository: str) -> None:
    """What is known before any work: raises UsageError for a name that cannot be, no login, or an offline client."""
    from huggingface_hub import constants, get_token

    if not _NAME.fullmatch(repository):
        raise UsageError(f"{repository!r} is no name of a repository.", hint="It has the form USER/NAME.")
    if constants.is_offline_mode():
        raise UsageError("The hub is switched off by HF_HUB_OFFLINE, so nothing can be pushed.", hint="Unset it.")
    if not get_token():
        raise UsageError("Nobody is logged in to the hub, so nothing can be pushed.", hint=f"To do so, {LOGIN}.")


def push(asked: Asked, *, public: bool = False) -> Pushed:
    """Pack and upload. A repository that is not there yet is made, private if not `public`.

    Broken off, it can be called again: large files that arrived are not sent twice. Raises UsageError, see `packed`.
    """
    require_ready(asked.repository)
    with packed(asked) as package:
        return _upload(package, asked.repository, public, push_command(asked, public))


def push_command(asked: Asked, public: bool = False) -> str:
    """What pushes the same again."""
    words = ["punie", "push", str(asked.folder), "--repo", asked.repository]
    for folder in asked.evaluations:
        words += ["--evaluation", str(folder)]
    words += ["--license", asked.licence] if asked.licence else []
    return shlex.join([*words, "--public"] if public else words)


def _upload(package: Packed, repository: str, public: bool, again: str) -> Pushed:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
    from huggingface_hub.utils import disable_progress_bars, logging

    logging.set_verbosity_error()
    if not sys.stderr.isatty():
        disable_progress_bars()
    api = HfApi()
    with explained("model", repository, _OFFLINE), _writing(repository, again):
        there = _repository(api, repository, public)
        files = [CommitOperationAdd(name, package.root / name) for name in package.sizes]
        for file in files:  # One by one: what arrived before a break is not sent again.
            api.preupload_lfs_files(repository, [file], free_memory=False)
        gone = [CommitOperationDelete(name) for name in stale(_names(there), package)]
        done = api.create_commit(repository, [*gone, *files], commit_message=f"{package.kind.capitalize()} by punie")
    return Pushed(f"{api.endpoint}/{repository}", done.oid, not public)


def _repository(api: HfApi, name: str, public: bool) -> ModelInfo | None:
    """What is there under this name; None where it had to be made. Raises UsageError where it is not for us."""
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        there = api.model_info(name)
    except RepositoryNotFoundError:
        api.create_repo(name, private=not public)
        return None
    if there.private == public:
        state, change = ("private", "leave out --public") if public else ("public", "give --public")
        raise UsageError(f"{name!r} is {state} already.", hint=f"Change that at {SITE}/{name}/settings, or {change}.")
    if set(_names(there)) - {".gitattributes"} and not _is_ours(api, there):
        raise UsageError(
            f"The name {name!r} is taken by a repository that punie did not make.", hint="Push under another name."
        )
    return there


def _names(there: ModelInfo | None) -> list[str]:
    return [] if there is None else [file.rfilename for file in there.siblings or ()]


def _is_ours(api: HfApi, there: ModelInfo) -> bool:
    """Whether its card has our mark."""
    from huggingface_hub import ModelCard

    if "README.md" not in _names(there):
        return False
    card = Path(api.hf_hub_download(there.id, "README.md", revision=there.sha))
    return MARK in (ModelCard.load(card).data.tags or ())


@contextmanager
def _writing(repository: str, again: str) -> Generator[None]:
    """The refusals that only a writer meets."""
    from huggingface_hub.errors import HfHubHTTPError

    try:
        yield
    except PunieError:
        raise
    except HfHubHTTPError as error:
        what = _REFUSED.get(error.response.status_code)
        if what is None:
            raise
        raise UsageError(what[0].format(repository), hint=what[1]) from error
    except (RuntimeError, ValueError) as error:  # What the client makes of a large file that did not arrive.
        hint = f"What arrived is not sent again by: {again}"
        raise UsageError(f"The upload to {repository!r} broke off: {_reason(error)}.", hint=hint) from error


_REFUSED = {
    401: ("The hub does not know this login, so nothing was pushed to {!r}.", f"Once more, {LOGIN}."),
    403: ("This login may not write to {!r}.", "Give a token with the right to write, or push under your own name."),
    409: ("The name {!r} is taken by a repository that this login cannot see.", "Push under another name."),
}


def _reason(error: Exception) -> str:
    return str(error.__cause__ or error).splitlines()[0].rstrip(".")
