"""A dataset as a recipe: sources, rules, shares and caps, deduplication, splits, decontamination.

Stages run in this order: the rules on each source, then the merge with its shares and caps, then near copies, then the
splits, then benchmark tasks. Copies are looked for and splits are drawn after the merge, so that two sources can
neither repeat each other nor stand on both sides. Tasks come last: they may stand in test, and no later stage moves a
row of test into train. The same recipe and inputs give the same bytes.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from punie.data.choose.rules import Rule, make_rules
from punie.errors import UsageError
from punie.files import open_input

Share = Annotated[float, Field(gt=0, le=1)]
Count = Annotated[int, Field(ge=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Ingredient(_Strict):
    """A dataset folder or a .jsonl file; `fingerprint`, where given, is what it must be."""

    path: Annotated[str, Field(min_length=1)]
    weight: Share = 1.0
    cap: Count | None = None
    rules: tuple[dict[str, Any], ...] = ()
    """For this source alone, before those of the recipe."""
    fingerprint: str | None = None


class CategoryMix(_Strict):
    weights: dict[str, Share] = {}
    caps: dict[str, Count] = {}


class Dedup(_Strict):
    """Near copies; equal texts are removed by the merge in any case. `allow_share` is in percent of a source."""

    threshold: Share = 0.8
    allow_share: Annotated[float, Field(ge=0, le=100)] = 20.0


class Decontaminate(_Strict):
    """Files of benchmarks or suites, or dataset folders, whose tasks leave train and valid."""

    against: Annotated[tuple[str, ...], Field(min_length=1)]


class Split(_Strict):
    """All rows are divided anew. Shares are in percent."""

    test: Annotated[float, Field(ge=0, lt=100)] = 10.0
    valid: Annotated[float, Field(ge=0, lt=100)] = 10.0


class Recipe(_Strict):
    """How a dataset is made. Paths are relative to the current folder, as on the command line."""

    format: Literal[1] = 1
    name: Annotated[str, Field(min_length=1)]
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    sources: Annotated[tuple[Ingredient, ...], Field(min_length=1)]
    rules: tuple[dict[str, Any], ...] = ()
    """Each is one rule's name and its value, as in `- min_messages: 3`; the first that fails names the removal."""
    drop_invalid: bool = False
    categories: CategoryMix = CategoryMix()
    dedup: Dedup | None = None
    decontaminate: Decontaminate | None = None
    split: Split | None = None

    def rules_of(self, ingredient: Ingredient) -> tuple[Rule, ...]:
        """Raises UsageError for a rule that does not exist, or one with a wrong value."""
        return make_rules([_one(rule) for rule in (*ingredient.rules, *self.rules)])


def read_recipe(path: Path) -> Recipe:
    """Raises UsageError naming the key at fault."""
    with open_input(path) as file:
        try:
            value = yaml.safe_load(file)
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise UsageError(f"Not YAML: {' '.join(str(error).split())}.", where=str(path)) from error
    if not isinstance(value, dict):
        raise UsageError("A recipe is a mapping with a name and sources.", where=str(path))
    return parse_recipe(value, str(path))


def parse_recipe(value: Mapping[str, Any], where: str) -> Recipe:
    """`where` is the place of the value. Raises UsageError naming the key at fault."""
    try:
        recipe = Recipe.model_validate(value)
    except ValidationError as error:
        raise _explained(error, where) from error
    for ingredient in recipe.sources:
        recipe.rules_of(ingredient)
    return recipe


def _one(rule: dict[str, Any]) -> tuple[str, Any]:
    if len(rule) != 1:
        raise UsageError(f"A rule is one name with its value, not {rule!r}.", hint="Write - min_messages: 3.")
    return next(iter(rule.items()))


def _explained(error: ValidationError, where: str) -> UsageError:
    first = error.errors()[0]
    place = f"{where}, key {'.'.join(map(str, first['loc']))}"
    if first["type"] != "extra_forbidden":
        return UsageError(f"The recipe is wrong: {first['msg']}.", where=place)
    known = _keys_beside(first["loc"])
    close = difflib.get_close_matches(str(first["loc"][-1]), known, n=1)
    hint = f"Did you mean {close[0]}?" if close else f"Keys: {', '.join(known)}."
    return UsageError(f"There is no key called {first['loc'][-1]!r}.", where=place, hint=hint)


def _keys_beside(place: tuple[int | str, ...]) -> list[str]:
    blocks: dict[str, type[BaseModel]] = {
        "sources": Ingredient,
        "categories": CategoryMix,
        "dedup": Dedup,
        "decontaminate": Decontaminate,
        "split": Split,
    }
    block = blocks.get(str(place[0]), Recipe) if len(place) > 1 else Recipe
    return list(block.model_fields)
