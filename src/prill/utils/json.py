"""JSON that a model wrote, whole or not."""

from prill.output_parsers.json import parse_and_check_json_markdown, parse_json_markdown, parse_partial_json

__all__ = ["parse_and_check_json_markdown", "parse_json_markdown", "parse_partial_json"]
