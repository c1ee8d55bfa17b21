"""Objects as JSON, and back: messages, documents, prompts, parsers, chains of them, models without their keys.

The form is LangChain's, so that each library reads the texts of the other.
"""

from prill.load.dump import dumpd, dumps
from prill.load.read import InitValidator, load, loads
from prill.load.serializable import Serializable

__all__ = ["InitValidator", "Serializable", "dumpd", "dumps", "load", "loads"]
