"""The shape of the house: which package may import which, and where MLX may be loaded."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src"
FOUNDATION = {
    *("punie", "errors", "conversation", "files", "process", "child", "workspace", "fingerprint", "refusals"),
    *("syntax", "toolcalls", "toolblocks", "pythoncalls", "degeneration", "moments"),
}
LAYERS = [
    FOUNDATION,
    {"sandbox"},
    {"data"},
    {"generate"},
    {"curriculum"},
    {"training", "serving"},
    {"evaluation"},
    {"distil"},
    {"report"},
    {"sharing"},
    {"shipping"},
    {"benchmark", "dashboard", "doctor", "experiment", "quickstart", "sweep"},
    {"improvement"},
    {"cli", "__main__"},
]
STRANGERS = {("training", "serving"), ("serving", "training")}

CHILD_LIBRARIES = {"mlx", "mlx_lm", "transformers"}
CHILD_ENTRIES = {
    "punie.benchmark.anatomy_worker",
    "punie.benchmark.cells_worker",
    "punie.benchmark.workload_worker",
    "punie.training.worker",
    "punie.training.row_loss_worker",
    "punie.training.matrix_worker",
    "punie.training.hosts.launcher",
    "punie.training.hosts.preflight_worker",
    "punie.training.pretrain.worker",
    "punie.training.pretrain.start_worker",
    "punie.experiment.completion_worker",
    "punie.serving.worker",
    "punie.shipping.worker",
    "punie.doctor.compute_worker",
    "punie.data.check.rendering_worker",
    "punie.data.look.trainer_view_worker",
}
NOT_AT_START = CHILD_LIBRARIES | {
    *("httpx", "huggingface_hub", "jinja2", "numpy", "pydantic", "starlette", "tokenizers", "uvicorn")
}


def module_name(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(SOURCE.rglob("*.py"))}


def imports_of(module: str) -> set[str]:
    """Every module named by an import statement, wherever in the file it stands."""
    path = MODULES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = absolute(node, package)
            found.update(f"{base}.{alias.name}" if f"{base}.{alias.name}" in MODULES else base for alias in node.names)
    return found


def absolute(node: ast.ImportFrom, package: str) -> str:
    if node.level == 0:
        return node.module or ""
    parents = package.split(".")[: len(package.split(".")) - node.level + 1]
    return ".".join([*parents, node.module] if node.module else parents)


IMPORTS = {module: imports_of(module) for module in MODULES}


def package_of(module: str) -> str:
    return module.split(".")[1] if "." in module else module


def layer_of(module: str) -> int:
    return next((number for number, packages in enumerate(LAYERS) if package_of(module) in packages), -1)


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_a_place(module: str) -> None:
    """A new package or top module is given a layer before it is used."""
    assert layer_of(module) >= 0, f"{module} is in no layer of {Path(__file__).name}"


@pytest.mark.parametrize("module", MODULES)
def test_arrows_point_up_the_list(module: str) -> None:
    """A module imports only from its own layer and from the layers above it in the list."""
    own = [name for name in IMPORTS[module] if name in MODULES]
    wrong = [name for name in own if layer_of(name) > layer_of(module)]
    met = [name for name in own if (package_of(module), package_of(name)) in STRANGERS]
    assert not wrong + met, f"{module} must not import {', '.join(wrong + met)}"


def test_no_import_goes_in_a_circle() -> None:
    """Any module can be read knowing only what it imports."""
    graph = {module: {name for name in names if name in MODULES} - {module} for module, names in IMPORTS.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"import cycle: {' -> '.join(error.args[1])}")


def reached_from(*entries: str) -> set[str]:
    """The modules that are loaded, sooner or later, once these are."""
    found: set[str] = set()
    waiting = list(entries)
    while waiting:
        if (module := waiting.pop()) not in found:
            found.add(module)
            waiting += [name for name in IMPORTS[module] if name in MODULES]
    return found


USERS_OF_MLX = {module for module, names in IMPORTS.items() if {name.split(".")[0] for name in names} & CHILD_LIBRARIES}


def test_the_command_line_never_reaches_mlx() -> None:
    """The parent process never asks for the libraries that take memory and a GPU."""
    assert not reached_from("punie.cli") & USERS_OF_MLX


def test_mlx_is_used_only_in_children() -> None:
    """What imports MLX belongs to a module that is started as a child."""
    assert not USERS_OF_MLX - reached_from(*CHILD_ENTRIES)


def test_importing_the_parent_side_loads_no_mlx() -> None:
    """No library that the parent imports brings MLX along."""
    assert not loaded_after(f"import {', '.join(reached_from('punie.cli'))}", CHILD_LIBRARIES)


def test_help_loads_nothing_heavy() -> None:
    """`punie --help` answers before any heavy library is asked for."""
    run_help = "sys.argv = ['punie', '--help']\ntry:\n    main()\nexcept SystemExit:\n    pass"
    assert not loaded_after(f"from punie.cli import main\n{run_help}", NOT_AT_START)


def loaded_after(code: str, libraries: set[str]) -> set[str]:
    """Which of these libraries a fresh Python has loaded once it ran the code."""
    report = "print(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\n{report}"], capture_output=True, text=True, timeout=60, check=True
    )
    return libraries & set(done.stderr.split())
