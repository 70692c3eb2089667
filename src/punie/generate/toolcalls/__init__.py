"""Conversations with tool calls, drawn from declared tools."""
