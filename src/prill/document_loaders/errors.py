"""What can be wrong with a document that is loaded.

LoadError
├── LoadSourceError (OSError)             it is not there, or cannot be reached
├── LoadFormatError (ValueError)          it is damaged, or is not in this format
├── LoadEncodingError (ValueError)        its text has another encoding
├── LoadPasswordError (PermissionError)   it is encrypted
├── LoadLimitError (ValueError)           it is larger than is allowed
└── LoadAddressError (PermissionError)    a page's address is not public
"""

from __future__ import annotations

from prill.errors import PrillError


class LoadError(PrillError):
    """A document could not be loaded.

    Args:
        reason: what is wrong, and what to do.
        source: the path or the address of the document.
    """

    def __init__(self, reason: str = "", *, source: str | None = None) -> None:
        super().__init__(reason if source is None else f"{source}: {reason}")
        self.reason = reason
        self.source = source


class LoadSourceError(LoadError, OSError):
    """A file or a page is not there, or cannot be reached."""


class LoadFormatError(LoadError, ValueError):
    """A file or a page is damaged, or is not in the format that its loader reads."""


class LoadEncodingError(LoadError, ValueError):
    """A text has another encoding than it was read with."""


class LoadPasswordError(LoadError, PermissionError):
    """A file is encrypted, and the password was not given or is wrong."""


class LoadLimitError(LoadError, ValueError):
    """A file or a page is larger than is allowed."""


class LoadAddressError(LoadError, PermissionError):
    """A page's address is private, or is not one that may be asked."""
