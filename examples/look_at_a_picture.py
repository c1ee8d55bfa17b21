"""Ask about pictures: the answer streams, or is a table of what was read off them.

    python examples/look_at_a_picture.py examples/pictures/harvest.png --question "Which month was the best?"
    python examples/look_at_a_picture.py https://example.org/cat.jpg
    python examples/look_at_a_picture.py examples/pictures/harvest.png --table

A picture is a block of the message: the data of a file, or an address, from which the provider fetches it.
"""

import argparse
import base64
import mimetypes
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from prill import HumanMessage, PrillError, init_chat_model


class Row(BaseModel):
    """One value of a chart or a table."""

    label: str
    value: float = Field(description="as it is written, without the unit")


def main() -> None:
    options = read_options()
    model = init_chat_model(options.model)
    try:
        pictures = [read_picture(place) for place in options.pictures]
        if options.table:
            asked = HumanMessage(["Read all values off the picture.", *pictures])
            for row in model.with_structured_output(list[Row]).elements().stream([asked]):
                print(f"{row.label:12} {row.value:>8g}", flush=True)
        else:
            for chunk in model.stream([HumanMessage([options.question, *pictures])]):
                print(chunk.text, end="", flush=True)
            print()
    except (OSError, PrillError) as error:
        raise SystemExit(f"{type(error).__name__}: {error}") from None


def read_picture(place: str) -> dict[str, Any]:
    """The block of a picture: by its address, or with the data of its file."""
    if place.startswith(("https://", "http://")):
        return {"type": "image", "url": place}
    data = base64.b64encode(Path(place).read_bytes()).decode()
    return {"type": "image", "base64": data, "mime_type": mimetypes.guess_type(place)[0] or "image/png"}


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Ask about pictures.")
    parser.add_argument("pictures", nargs="+", help="files, or addresses")
    parser.add_argument("--question", default="What is in this picture?", help="(%(default)s)")
    parser.add_argument("--table", action="store_true", help="read the values off, row by row")
    parser.add_argument("--model", default="openai:gpt-4o-mini", help="provider:model (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
