"""Handlers that print."""

from __future__ import annotations

import sys
from typing import IO, Any

from prill.callbacks.base import BaseCallbackHandler


class StdOutCallbackHandler(BaseCallbackHandler):
    """Prints a line when a chain starts and ends, and what agents and tools do."""

    def __init__(self, color: str | None = None) -> None:
        self.color = color

    def _write(self, text: str, end: str = "\n") -> None:
        print(text, end=end, flush=True)

    def on_chain_start(self, serialized: dict[str, Any], inputs: Any, **kwargs: Any) -> None:
        self._write(f"> {kwargs.get('name') or serialized.get('name')} starts")

    def on_chain_end(self, outputs: Any, **kwargs: Any) -> None:
        self._write(f"> {kwargs.get('name') or 'chain'} ended")

    def on_chain_error(self, error: BaseException, **kwargs: Any) -> None:
        self._write(f"> failed: {type(error).__name__}: {error}")

    def on_agent_action(self, action: Any, **kwargs: Any) -> None:
        self._write(getattr(action, "log", str(action)))

    def on_tool_end(self, output: Any, **kwargs: Any) -> None:
        self._write(str(output))

    def on_text(self, text: str, end: str = "", **kwargs: Any) -> None:
        self._write(text, end)

    def on_agent_finish(self, finish: Any, **kwargs: Any) -> None:
        self._write(getattr(finish, "log", str(finish)))


class FileCallbackHandler(StdOutCallbackHandler):
    """Writes to a file what ``StdOutCallbackHandler`` prints. Close it, or use it in a ``with`` statement."""

    def __init__(self, filename: str, mode: str = "a", color: str | None = None) -> None:
        super().__init__(color)
        self.filename = filename
        self._file: IO[str] = open(filename, mode, encoding="utf-8")  # noqa: SIM115 - it is open while the handler is

    def _write(self, text: str, end: str = "\n") -> None:
        self._file.write(text + end)
        self._file.flush()

    def close(self) -> None:
        """Close the file; closing twice does no harm."""
        self._file.close()

    def __enter__(self) -> FileCallbackHandler:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class StreamingStdOutCallbackHandler(BaseCallbackHandler):
    """Prints a streaming model's text as it comes."""

    def on_llm_new_token(self, token: Any, **kwargs: Any) -> None:
        sys.stdout.write(token if isinstance(token, str) else "".join(_texts(token)))
        sys.stdout.flush()


def _texts(blocks: Any) -> list[str]:
    return [block if isinstance(block, str) else block.get("text", "") for block in blocks]
