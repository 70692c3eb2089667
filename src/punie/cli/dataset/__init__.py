"""`punie dataset ...`: importing a module below adds its commands to the group, in this order."""

from punie.cli.dataset import change as change
from punie.cli.dataset import check as check
from punie.cli.dataset import clean as clean
from punie.cli.dataset import curate as curate
from punie.cli.dataset import distil as distil
from punie.cli.dataset import generate as generate
from punie.cli.dataset import get as get
from punie.cli.dataset import toolcalls as toolcalls
from punie.cli.dataset import view as view
from punie.cli.dataset.group import app

__all__ = ["app"]
