"""Rows that an experiment makes for itself, by the commands that make datasets."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from punie.data.dataset import Manifest
from punie.data.fetch.download import Asked, download
from punie.data.progress import Progress
from punie.generate.algorithms.rows import generate_algorithms
from punie.generate.categories.rows import generate_categories
from punie.generate.sample import EMBEDDED
from punie.generate.tinypy.rows import generate_tinypy
from punie.generate.toolcalls.dataset import generate_toolcalls

_GENERATORS: dict[str, Callable[..., Manifest]] = {
    "algorithms": generate_algorithms,
    "categories": generate_categories,
    "tinypy": generate_tinypy,
    "toolcalls": generate_toolcalls,
}
_HUB = ("split", "columns", "revision")


class Origin(BaseModel):
    """`generate: KIND` or `download: NAME`, and the options of that function, which stand beside it."""

    model_config = ConfigDict(frozen=True, extra="allow")

    generate: Literal["algorithms", "categories", "tinypy", "toolcalls"] | None = None
    download: Annotated[str, Field(min_length=1)] | None = None
    count: Annotated[int, Field(ge=1)] = 1000
    """Rows over all splits; of a hub dataset at most so many."""
    seed: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _options_exist(self) -> Self:
        if (self.generate is None) == (self.download is None):
            raise ValueError("either generate or download, and one of them")
        for option in self.options:
            if option not in (known := self._known()):
                close = get_close_matches(option, known, n=1)
                raise ValueError(f"there is no option {option}; {f'did you mean {close[0]}' if close else known}")
        return self

    @property
    def options(self) -> dict[str, Any]:
        return dict(self.model_extra or {})

    @property
    def files(self) -> list[Path]:
        """What else is read: their content decides about the rows."""
        return [Path(self.options["tools"])] if "tools" in self.options else []

    def make(self, output: Path, progress: Progress) -> Manifest:
        """Write the dataset. Raises what its command raises."""
        if self.generate is not None:
            options = {key: Path(value) if key == "tools" else value for key, value in self.options.items()}
            return _GENERATORS[self.generate](output, self.count, self.seed, **options, progress=progress)
        assert self.download is not None, "one of them"
        if self.download in EMBEDDED:
            return EMBEDDED[self.download](output, self.count, self.seed)
        return download(Asked(self.download, self.count, **self.options), output, progress)

    def _known(self) -> list[str]:
        if self.generate is None:
            return [] if self.download in EMBEDDED else list(_HUB)
        parameters = inspect.signature(_GENERATORS[self.generate]).parameters
        return [name for name in parameters if name not in ("output", "count", "seed", "progress")]
