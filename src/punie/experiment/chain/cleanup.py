"""Models that nobody needs any more once one is chosen. Their records stay, so nothing is made again for no reason."""

from __future__ import annotations

import shutil

from punie.experiment.chain.folder import ChainFolder
from punie.experiment.chain.ledger import Ledger
from punie.experiment.chain.products import widths_in


def clear(folder: ChainFolder, ledger: Ledger, chosen: str) -> None:
    """Delete every model but the chosen one, and what was set aside. The adapter stays: it is small, and the proof."""
    if folder.fused.exists() and chosen != folder.fused.name:
        ledger.note_cleared("fuse")
        shutil.rmtree(folder.fused)
    others = [width for width in widths_in(folder.quantized) if width.name != chosen]
    if others:
        ledger.note_cleared("quantize")
        for width in others:
            shutil.rmtree(width)
    shutil.rmtree(folder.root / "earlier", ignore_errors=True)
