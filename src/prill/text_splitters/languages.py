"""Where source code and markup are split: at declarations and headings, the coarsest first."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from prill.errors import ConfigError


class Language(StrEnum):
    """A language for ``RecursiveCharacterTextSplitter.from_language``."""

    C = "c"
    CPP = "cpp"
    COBOL = "cobol"
    CSHARP = "csharp"
    ELIXIR = "elixir"
    GO = "go"
    HASKELL = "haskell"
    HTML = "html"
    JAVA = "java"
    JS = "js"
    KOTLIN = "kotlin"
    LATEX = "latex"
    LUA = "lua"
    MARKDOWN = "markdown"
    PERL = "perl"
    PHP = "php"
    POWERSHELL = "powershell"
    PROTO = "proto"
    PYTHON = "python"
    R = "r"
    RST = "rst"
    RUBY = "ruby"
    RUST = "rust"
    SCALA = "scala"
    SOL = "sol"
    SWIFT = "swift"
    TS = "ts"
    VISUALBASIC6 = "visualbasic6"


_MODIFIERS: Final = (
    "public |private |protected |internal |static |final |abstract |sealed |async |export |default |override |open |"
    "pub(?:\\([a-z]+\\))? |unsafe |const |data |case |implicit |inline |virtual |extern |partial |fileprivate "
)
_C_FUNCTION: Final = r"[A-Za-z_][\w:<>,&* ]*[\w>*&] ?\([^;\r\n]*$"

# For each language, words that start a declaration: groups of them, the coarsest first.
_DECLARATIONS: Final[dict[Language, tuple[str, ...]]] = {
    Language.C: ("struct|union|enum|typedef", _C_FUNCTION),
    Language.COBOL: ("[A-Z]+ DIVISION", "[A-Z-]+ SECTION", r"[A-Z0-9-]+\.$"),
    Language.CPP: ("namespace|class|struct|union|enum|template", _C_FUNCTION),
    Language.CSHARP: ("namespace|class|struct|interface|record|enum|delegate", r"[\w<>\[\], ]+\("),
    Language.ELIXIR: ("defmodule|defprotocol|defimpl", "def|defp|defmacro|defmacrop"),
    Language.GO: ("type|func|const|var",),
    Language.HASKELL: ("module|class|instance|data|newtype|type|import", r"\w+'* *::"),
    Language.JAVA: ("class|interface|enum|record|@interface", r"[\w<>\[\], ]+\("),
    Language.JS: ("class|function", "const|let|var"),
    Language.KOTLIN: ("class|interface|object|enum class", "fun|val|var|typealias"),
    Language.LUA: ("(?:local )?function", "local"),
    Language.PERL: ("package", "sub", "my|our|use"),
    Language.PHP: ("namespace|class|interface|trait|enum", "function", "use"),
    Language.POWERSHELL: ("class|enum", "function|filter|param"),
    Language.PROTO: ("package|message|service|enum|extend", "rpc|oneof|option|import"),
    Language.PYTHON: ("class", "def|async def"),
    Language.R: (r"[\w.]+ *(?:<-|=) *function", r"library\(|setClass\(|setMethod\("),
    Language.RUBY: ("module|class", "def"),
    Language.RUST: ("mod|struct|enum|union|trait|impl|macro_rules!", "fn", "type|static|let|use"),
    Language.SCALA: ("package|class|object|trait|enum", "def", "val|var|type"),
    Language.SOL: ("contract|interface|library|abstract contract", "struct|enum|event|function|modifier|constructor"),
    Language.SWIFT: ("class|struct|enum|protocol|extension|actor", "func|init|deinit|subscript", "var|let|typealias"),
    Language.TS: ("namespace|class|interface|enum|type|declare", "function", "const|let|var"),
    Language.VISUALBASIC6: ("(?:Private |Public )?(?:Sub|Function|Property|Type|Enum)", "Dim|Const"),
}
_MARKUP: Final[dict[Language, tuple[str, ...]]] = {
    Language.HTML: (
        r"(?i)(?=<(?:body|head|main|section|article|nav|header|footer|aside)\b)",
        *(rf"(?i)(?=<h{level}\b)" for level in range(1, 7)),
        r"(?i)(?=<(?:div|table|ul|ol|pre|blockquote|form)\b)",
        r"(?i)(?=<(?:p|li|tr|br)\b)",
    ),
    Language.LATEX: (
        *(rf"(?m)^(?=[ \t]*\\{name}\*?{{)" for name in ("part", "chapter", "section", "subsection", "subsubsection")),
        r"(?m)^(?=[ \t]*\\begin{)",
        r"(?=\\item\b)",
    ),
    Language.MARKDOWN: (
        *(rf"(?m)^(?=#{{{level}}} )" for level in range(1, 7)),
        r"(?m)^(?=```)",
        r"\r?\n(?:\*\*\*+|---+|___+)\r?\n",
    ),
    Language.RST: (r"(?m)^(?=\S.*\r?\n(?:=+|-+|~+|\^+|\*+)\r?$)", r"(?m)^(?=\.\. )"),
}


def language_separators(language: Language | str) -> list[str]:
    """Return the regular expressions at which text in ``language`` is split, the coarsest first.

    Raises:
        ConfigError: the language is not known.
    """
    try:
        known = Language(language)
    except ValueError:
        raise ConfigError(f"no separators are known for {language!r:.60}; known are {', '.join(Language)}") from None
    if known in _MARKUP:
        return list(_MARKUP[known])
    # What stands at the start of its line goes before what is indented, such as a method.
    return [
        rf"(?m)^(?={indent}(?:{_MODIFIERS})*(?:{words})(?:\b|(?<=\W)))"
        for indent in ("", r"[ \t]+")
        for words in _DECLARATIONS[known]
    ]
