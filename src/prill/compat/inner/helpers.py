"""Functions of ``langchain_core.utils`` and ``langchain_core.env`` that packages use: arguments, versions, links."""

from __future__ import annotations

import contextlib
import datetime
import operator
import platform
import re
import sys
import warnings
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.metadata import Distribution, version
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import urljoin, urlparse

from prill.compat.module_map import CORE_VERSION


def _build_model_kwargs(values: dict[str, Any], all_required_field_names: set[str]) -> dict[str, Any]:
    """Move the arguments that are not fields of a model into its ``model_kwargs``."""
    extra = values.get("model_kwargs", {})
    for name in list(values):
        if name in extra:
            raise ValueError(f"Found {name} supplied twice.")
        if name not in all_required_field_names:
            warnings.warn(
                f"{name} is not default parameter: it was transferred to model_kwargs. Check that it is meant so.",
                stacklevel=7,
            )
            extra[name] = values.pop(name)
    if invalid := all_required_field_names.intersection(extra):
        warnings.warn(
            f"Parameters {invalid} should be specified explicitly. Instead they were passed in as part of "
            "`model_kwargs` parameter.",
            stacklevel=7,
        )
        for name in invalid:
            values[name] = extra.pop(name)
    if extra or "model_kwargs" in all_required_field_names:
        values["model_kwargs"] = extra
    return values


def build_extra_kwargs(
    extra_kwargs: dict[str, Any], values: dict[str, Any], all_required_field_names: set[str]
) -> dict[str, Any]:
    """The arguments of a model that are not fields of it, with those given so already."""
    for name in list(values):
        if name in extra_kwargs:
            raise ValueError(f"Found {name} supplied twice.")
        if name not in all_required_field_names:
            warnings.warn(f"{name} is not default parameter: it was transferred to model_kwargs.", stacklevel=7)
            extra_kwargs[name] = values.pop(name)
    if invalid := all_required_field_names.intersection(extra_kwargs):
        raise ValueError(f"Parameters {invalid} should be specified explicitly, not as part of `model_kwargs`.")
    return extra_kwargs


def check_package_version(
    package: str,
    lt_version: str | None = None,
    lte_version: str | None = None,
    gt_version: str | None = None,
    gte_version: str | None = None,
) -> None:
    """Raise ``ValueError`` if an installed package has not a version within the bounds."""
    found = version(package)
    comparisons = (
        (lt_version, "<", operator.lt),
        (lte_version, "<=", operator.le),
        (gt_version, ">", operator.gt),
        (gte_version, ">=", operator.ge),
    )
    for bound, sign, fits in comparisons:
        if bound is not None and not fits(_numbers(found), _numbers(bound)):
            raise ValueError(f"Expected {package} version to be {sign} {bound}. Received {found}.")


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text.partition("+")[0]))


@contextlib.contextmanager
def mock_now(dt_value: datetime.datetime) -> Iterator[type]:
    """``datetime.datetime.now()`` is a fixed time inside a ``with`` block, for tests."""

    class MockDateTime(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return cls(*dt_value.timetuple()[:6], dt_value.microsecond, tzinfo=dt_value.tzinfo)

    real = datetime.datetime
    datetime.datetime = MockDateTime  # type: ignore[misc]  # what it is for
    try:
        yield MockDateTime
    finally:
        datetime.datetime = real  # type: ignore[misc]  # as above


def raise_for_status_with_text(response: Any) -> None:
    """Raise ``ValueError`` with the text of an answer whose status is an error."""
    try:
        response.raise_for_status()
    except Exception as error:
        raise ValueError(response.text) from error


@lru_cache(maxsize=1)
def get_runtime_environment() -> dict[str, str]:
    """What runs here: the library, its version, the platform, the Python."""
    return {
        "library_version": CORE_VERSION,
        "library": "langchain-core",
        "platform": platform.platform(),
        "runtime": "python",
        "runtime_version": platform.python_version(),
    }


def is_interactive_env() -> bool:
    """Whether this is an interactive session."""
    return hasattr(sys, "ps2")


_COLORS = {"blue": "36;1", "yellow": "33;1", "pink": "38;5;200", "green": "32;1", "red": "31;1"}


def get_color_mapping(items: list[str], excluded_colors: list[str] | None = None) -> dict[str, str]:
    """A color for each item."""
    colors = [color for color in _COLORS if color not in (excluded_colors or ())]
    if not colors:
        raise ValueError("no colors are left: exclude fewer")
    return {item: colors[index % len(colors)] for index, item in enumerate(items)}


def get_colored_text(text: str, color: str) -> str:
    """A text for a terminal, in a color."""
    return f"\x1b[{_COLORS[color]}m\x1b[1;3m{text}\x1b[0m"


def get_bolded_text(text: str) -> str:
    """A text for a terminal, in bold."""
    return f"\x1b[1m{text}\x1b[0m"


def print_text(text: str, color: str | None = None, end: str = "", file: TextIO | None = None) -> None:
    """Print a text, in a color if one is given."""
    print(get_colored_text(text, color) if color else text, end=end, file=file, flush=file is not None)


PREFIXES_TO_IGNORE = ("javascript:", "mailto:", "#")
SUFFIXES_TO_IGNORE = tuple(
    f".{name}"
    for name in [
        "css",
        "js",
        "ico",
        "png",
        "jpg",
        "jpeg",
        "gif",
        "svg",
        "csv",
        "bz2",
        "zip",
        "epub",
        "webp",
        "pdf",
        "docx",
        "xlsx",
        "pptx",
        "pptm",
    ]
)
PREFIXES_TO_IGNORE_REGEX = "(?!" + "|".join(map(re.escape, PREFIXES_TO_IGNORE)) + ")"
SUFFIXES_TO_IGNORE_REGEX = "(?!" + "|".join(re.escape(one) + r"[\#'\"]" for one in SUFFIXES_TO_IGNORE) + ")"
DEFAULT_LINK_REGEX = rf"href=[\"']{PREFIXES_TO_IGNORE_REGEX}((?:{SUFFIXES_TO_IGNORE_REGEX}.)*?)[\#'\"]"


def find_all_links(raw_html: str, *, pattern: str | re.Pattern[str] | None = None) -> list[str]:
    """The links in a page, each once."""
    return list(set(re.findall(pattern or DEFAULT_LINK_REGEX, raw_html)))


def extract_sub_links(
    raw_html: str,
    url: str,
    *,
    base_url: str | None = None,
    pattern: str | re.Pattern[str] | None = None,
    prevent_outside: bool = True,
    exclude_prefixes: Sequence[str] = (),
    continue_on_failure: bool = False,
) -> list[str]:
    """The links in a page as whole addresses; with ``prevent_outside`` those below ``base_url`` alone."""
    base = base_url if base_url is not None else url
    found: set[str] = set()
    for link in find_all_links(raw_html, pattern=pattern):
        try:
            parsed = urlparse(link)
            if parsed.scheme in ("http", "https"):
                whole = link
            elif link.startswith("//"):
                whole = f"{urlparse(url).scheme}:{link}"
            else:
                whole = urljoin(url, parsed.path) + (f"?{parsed.query}" if parsed.query else "")
        except ValueError:
            if not continue_on_failure:
                raise
            continue
        inside = not prevent_outside or (whole.startswith(base) and urlparse(whole).netloc == urlparse(base).netloc)
        if inside and not any(whole.startswith(prefix) for prefix in exclude_prefixes):
            found.add(whole)
    return list(found)


class EmulatedDistribution(Distribution):
    """A distribution without files: a name and the version whose documented names there are."""

    def __init__(self, name: str, version: str) -> None:
        self._text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"

    def read_text(self, filename: str) -> str | None:
        return self._text if filename == "METADATA" else None

    def locate_file(self, path: Any) -> Path:
        return Path(__file__).parent.joinpath(path)
