"""Images in requests, looked at before they are sent: a provider's own answer comes late and says little."""

from __future__ import annotations

import binascii
import re

from prill.errors import ModelInvalidRequestError

_STARTS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"\0\0\1\0", "image/x-icon"),
)
"""The first bytes of image files."""

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_HEAD = 64


def check_image_url(url: object, provider: str) -> None:
    """Check that ``url`` is an address, or a ``data:`` URL that holds an image."""
    if not isinstance(url, str) or not _ADDRESS.match(url):
        raise _refuse(
            f"{url!r:.80} is not an image URL. For a file write "
            '{"type": "image", "base64": …, "mime_type": "image/png"}',
            provider,
        )
    if not url.startswith("data:"):
        return
    head, comma, data = url.partition(",")
    if not comma or not head.endswith(";base64"):
        raise _refuse("a data URL is not of the form data:<media type>;base64,<data>", provider)
    check_image(head.removeprefix("data:").removesuffix(";base64"), data, provider)


def check_image(media_type: str, data: str, provider: str) -> None:
    """Check that ``data`` is base64 of an image, and of the kind that ``media_type`` says.

    Raises:
        ModelInvalidRequestError: it is not.
    """
    if not media_type.startswith("image/"):
        raise _refuse(f"an image has the media type {media_type!r}, which is none of an image", provider)
    try:
        binascii.a2b_base64(data, strict_mode=True)
    except ValueError as error:  # also for text that is not ASCII
        raise _refuse(f"the data of an image is not base64 ({error})", provider) from None
    found = _detect_kind(binascii.a2b_base64(data[:_HEAD]))
    if found is None:
        raise _refuse(f"the data that is called {media_type} is not in a recognised image format", provider)
    if found != _USUAL.get(media_type, media_type):
        raise _refuse(f"an image is called {media_type}, but its data is {found}", provider)


_USUAL = {"image/jpg": "image/jpeg", "image/heif": "image/heic", "image/vnd.microsoft.icon": "image/x-icon"}


def _detect_kind(start: bytes) -> str | None:
    for magic, kind in _STARTS:
        if start.startswith(magic):
            return kind
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "image/webp"
    if start[4:8] == b"ftyp":
        return "image/avif" if start[8:12] in (b"avif", b"avis") else "image/heic"
    text = start.lstrip(b"\xef\xbb\xbf \r\n\t")
    return "image/svg+xml" if text.startswith((b"<svg", b"<?xml", b"<!--", b"<!DOCTYPE svg")) else None


def _refuse(reason: str, provider: str) -> ModelInvalidRequestError:
    return ModelInvalidRequestError(f"a message cannot be sent to {provider}: {reason}.", provider=provider)
