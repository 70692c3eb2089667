"""Punie: fine-tune a local code model on one Mac, and be told whether it got better."""

__version__ = "0.1.0"
