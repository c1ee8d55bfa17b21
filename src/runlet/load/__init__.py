"""Objects as JSON, and back: messages, documents, prompts, parsers, chains of them, models without their keys.

The form is LangChain's, so that each library reads what the other wrote.
"""

from runlet.load.dump import dumpd, dumps
from runlet.load.read import InitValidator, load, loads
from runlet.load.serializable import Serializable

__all__ = ["InitValidator", "Serializable", "dumpd", "dumps", "load", "loads"]
