"""`punie model download`: a repository at one commit, if the disk has room for what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from punie.refusals import explained
from punie.training.disk import require_space
from punie.workspace import ADAPTER_FILES, MODEL_FILES

_FILES = [*MODEL_FILES, *ADAPTER_FILES]


@dataclass(frozen=True, slots=True)
class Downloaded:
    """`folder` holds the files of `commit`, and of no other, for good."""

    repository: str
    commit: str
    folder: Path


def download(repository: str, revision: str | None = None) -> Downloaded:
    """Fetch what mlx-lm and Punie read; broken off, it goes on where it was.

    Raises UsageError where the hub says no, CapacityError where the disk has no room.
    """
    from huggingface_hub import HfApi, constants, snapshot_download

    with explained("model", repository, "Check the connection, or look at `punie model list`."):
        HfApi().model_info(repository, revision=revision)  # It says why not, which what follows does not.
        files = snapshot_download(repository, revision=revision, allow_patterns=_FILES, dry_run=True)
        require_space(Path(constants.HF_HUB_CACHE), sum(file.file_size or 0 for file in files if file.will_download))
        folder = Path(snapshot_download(repository, revision=revision, allow_patterns=_FILES))
    return Downloaded(repository, folder.name, folder)
