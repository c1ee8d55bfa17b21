"""The commands, and how their failures are shown. Each imports what it needs when it runs: so all start quickly."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from prill.errors import PrillError
from prill.version import __version__

DEFAULT_PORT = 8765
"""Where ``prill replay`` listens."""
DEFAULT_PACE = 0.02
"""Seconds between two pieces of scripted answers."""

_INTERRUPTED = 130  # what shells report of a program that SIGINT ended

app = typer.Typer(
    help="Prill composes LLM programs out of streams.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Language(StrEnum):
    en = "en"
    zh = "zh"


Model = Annotated[str | None, typer.Option("--model", "-m", help="provider:model, such as openai:gpt-4o-mini")]
BaseURL = Annotated[str | None, typer.Option(help="The address of a server that speaks the provider's protocol.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show errors with their traceback.")]


def _version(wanted: bool) -> None:
    if wanted:
        print(f"prill {__version__}")
        raise typer.Exit


@app.callback()
def _prill(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = (
        False
    ),
) -> None:
    """Prill composes LLM programs out of streams."""


@app.command()
def demo(
    model: Model = None,
    base_url: BaseURL = None,
    scripted: Annotated[bool, typer.Option("--scripted", help="Scripted answers, even where a key is found.")] = False,
    lang: Annotated[Language, typer.Option(help="The language of the texts.")] = Language.en,
    pace: Annotated[
        float, typer.Option(min=0.0, help="Seconds between two pieces of scripted answers.")
    ] = DEFAULT_PACE,
    serve: Annotated[bool, typer.Option("--serve", help="Serve three chains, each with a page to try it.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="With --serve: the port; 0 is any free port.")] = 8000,
    debug: Debug = False,
) -> None:
    """Show four chains at work, each with the lines that make it.

    Without --model it is OpenAI's or Anthropic's if their key is set, else Ollama's, else a script's.
    """
    with _clear_errors(debug, hint="" if scripted else "`prill demo --scripted` needs no provider."):
        from prill.cli.demo_replies import LANGUAGES  # noqa: PLC0415 - of this command alone
        from prill.cli.models import find_model  # noqa: PLC0415 - other commands need no model

        found = None if scripted else find_model(model, base_url=base_url)
        if serve:
            from prill.cli.serve_demo import serve_demo  # noqa: PLC0415 - needs an extra

            serve_demo(LANGUAGES[lang.value], None if found is None else found.model, pace, port, typer.echo)
            return
        from prill.cli.demo import run_demo  # noqa: PLC0415 - draws, and starts a server

        run_demo(LANGUAGES[lang.value], found, pace)


@app.command()
def chat(
    model: Model = None,
    system: Annotated[str | None, typer.Option("--system", "-s", help="The system message, sent first.")] = None,
    base_url: BaseURL = None,
    tools: Annotated[
        list[str] | None, typer.Option(help="module:name of a tool, a function, or a list; may be repeated.")
    ] = None,
    mcp: Annotated[
        list[str] | None, typer.Option(help="The command or address of a server of tools (MCP); may be repeated.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Run tools without asking.")] = False,
    temperature: Annotated[float | None, typer.Option(min=0, help="How much answers vary, such as 0.7.")] = None,
    lang: Annotated[Language, typer.Option(help="The language of the interface.")] = Language.en,
    debug: Debug = False,
) -> None:
    """Talk to a model. Ctrl-C stops an answer, Ctrl-D or `exit` leaves; /help lists the commands."""
    with _clear_errors(debug):
        from prill.cli.start_chat import ChatOptions, start_chat  # noqa: PLC0415 - of this command alone

        options = ChatOptions(model, base_url, system, temperature, tuple(tools or ()), tuple(mcp or ()), yes, debug)
        failed = start_chat(options, lang.value)
    if failed:
        raise typer.Exit(1)


@app.command()
def replay(
    script: Annotated[Path | None, typer.Argument(help="A JSON file of replies; without it, questions are echoed.")] = (
        None
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where to listen; 0 is any free port.")] = DEFAULT_PORT,
    pace: Annotated[float, typer.Option(min=0.0, help="Seconds between two pieces of an answer.")] = DEFAULT_PACE,
    debug: Debug = False,
) -> None:
    """Stand in for a provider: answer as OpenAI and Anthropic do, from a script, until Ctrl-C."""
    with _clear_errors(debug):
        _run_replay(script, port, pace)


@app.command()
def serve(
    target: Annotated[str, typer.Argument(help="module:name of a chain or of an App, such as app:chain.")],
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen at.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="How many processes serve.")] = 1,
    store: Annotated[
        str | None, typer.Option(help="Where runs are kept: memory:, sqlite:FILE or redis://HOST.")
    ] = None,
    reload: Annotated[bool, typer.Option("--reload", help="Start again when a file changes.")] = False,
    show_steps: Annotated[bool, typer.Option("--show-steps", help="Send the events of all steps, with prompts.")] = (
        False
    ),
    without_key: Annotated[
        bool, typer.Option("--without-key", help="Let other machines use it although nobody shows a key.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Serve a chain over HTTP: for RemoteRunnable, for clients of OpenAI, and for chat interfaces.

    The keys that clients may show are in PRILL_SERVE_KEYS, with commas between them.
    """
    with _clear_errors(debug):
        from prill.cli.serving import ServeOptions, serve  # noqa: PLC0415 - needs the extra "serve"

        serve(ServeOptions(target, host, port, workers, store, reload, show_steps, without_key), print)


class Change(StrEnum):
    refuse = "refuse"
    carry_on = "continue"
    restart = "restart"


@app.command()
def bulk(
    chain: Annotated[str, typer.Argument(help="module:name or file.py:name of the chain.")],
    source: Annotated[str, typer.Argument(help="A file of rows (JSON Lines, CSV, Parquet), a pattern, a folder.")],
    output: Annotated[str | None, typer.Argument(help="A .jsonl, .csv, .parquet or .sqlite file.")] = None,
    key: Annotated[str | None, typer.Option(help="The column that names a row; by default its position.")] = None,
    input: Annotated[str | None, typer.Option(help="The column that the chain is given; by default the row.")] = None,
    keep: Annotated[list[str] | None, typer.Option(help="A column to copy to the output; may be repeated.")] = None,
    checkpoint: Annotated[str | None, typer.Option(help="The folder that a run goes on from.")] = None,
    on_change: Annotated[Change, typer.Option(help="What to do if it is of another chain.")] = Change.refuse,
    retry_errors: Annotated[bool, typer.Option("--retry-errors", help="Ask failed rows again.")] = False,
    engine: Annotated[str, typer.Option(help="local, ray, dask, openai-batch or anthropic-batch.")] = "local",
    workers: Annotated[int | None, typer.Option(min=1, help="Worker processes of Ray or Dask.")] = None,
    max_concurrency: Annotated[int, typer.Option(min=1, help="Rows in flight in each worker.")] = 100,
    limit: Annotated[int | None, typer.Option(min=1, help="Ask the first so many rows only.")] = None,
    sample: Annotated[int | None, typer.Option(min=1, help="Ask so many rows only, chosen by chance.")] = None,
    dedup: Annotated[bool, typer.Option("--dedup", help="Ask equal inputs once.")] = False,
    attempts: Annotated[int, typer.Option(min=1, help="How often a row is asked at most.")] = 5,
    row_timeout: Annotated[float, typer.Option(min=0, help="Seconds that an attempt may take.")] = 600.0,
    max_errors: Annotated[float | None, typer.Option(min=0, help="Stop after so many failed rows, or a share.")] = None,
    requests_per_minute: Annotated[int | None, typer.Option(min=1, help="A limit over all workers.")] = None,
    tokens_per_minute: Annotated[int | None, typer.Option(min=1, help="A limit over all workers.")] = None,
    price: Annotated[list[str] | None, typer.Option(help="MODEL=READ,WRITTEN of a million tokens; repeat.")] = None,
    budget: Annotated[float | None, typer.Option(min=0, help="Stop before more than this is spent.")] = None,
    html: Annotated[str | None, typer.Option(help="Where to write the report as a page.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Ask nothing; say what the run would take.")] = False,
    debug: Debug = False,
) -> None:
    """Run a chain over every row of a file. After a crash or Ctrl-C the same command goes on where it was."""
    options = {
        **{"key": key, "input": input, "keep": keep, "checkpoint": checkpoint, "on_change": on_change.value},
        **{"retry_errors": retry_errors, "engine": engine, "workers": workers, "max_concurrency": max_concurrency},
        **{"limit": limit, "sample": sample, "dedup": dedup, "attempts": attempts, "row_timeout": row_timeout},
        **{"max_errors": max_errors, "requests_per_minute": requests_per_minute, "price": price, "budget": budget},
        **{"tokens_per_minute": tokens_per_minute, "html": html, "dry_run": dry_run, "progress": not dry_run},
    }
    with _clear_errors(debug):
        from prill.cli.bulk import run_bulk  # noqa: PLC0415 - of this command alone

        print(run_bulk(chain, source, output, options))


@app.command()
def evaluate(
    chain: Annotated[str, typer.Argument(help="module:name or file.py:name of the chain.")],
    dataset: Annotated[str, typer.Argument(help="A file of rows (JSON Lines, CSV, Parquet).")],
    scorer: Annotated[
        list[str] | None, typer.Option("--scorer", "-s", help="exact, json, judge=MODEL or module:name; repeat.")
    ] = None,
    input: Annotated[str, typer.Option(help="The column that the chain is given.")] = "input",
    expected: Annotated[str, typer.Option(help="The column of what is expected.")] = "expected",
    key: Annotated[
        str | None, typer.Option(help="The column that names a row; by default key, id or position.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="What the evaluation is called.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Ask the first so many rows only.")] = None,
    max_concurrency: Annotated[int, typer.Option(min=1, help="Rows in flight at once.")] = 20,
    attempts: Annotated[int, typer.Option(min=1, help="How often a row is asked at most.")] = 5,
    price: Annotated[list[str] | None, typer.Option(help="MODEL=READ,WRITTEN of a million tokens; repeat.")] = None,
    save: Annotated[str | None, typer.Option(help="The JSON file to write.")] = None,
    compare: Annotated[str | None, typer.Option(help="The JSON file of the run to compare with.")] = None,
    html: Annotated[str | None, typer.Option(help="Where to write the page of the comparison.")] = None,
    lang: Annotated[Language, typer.Option(help="The language of the page.")] = Language.en,
    debug: Debug = False,
) -> None:
    """Run a chain on every row of a file, and score its outputs."""
    options = {
        **{"input": input, "expected": expected, "key": key, "name": name, "limit": limit, "price": price},
        **{"max_concurrency": max_concurrency, "attempts": attempts, "progress": sys.stderr.isatty()},
    }
    with _clear_errors(debug):
        from prill.cli.evaluating import run_evaluation  # noqa: PLC0415 - other commands do not need it

        run_evaluation(chain, dataset, scorer or (), options, save=save, before=compare, html=html, lang=lang.value)


@app.command()
def traces(
    path: Annotated[str, typer.Argument(help="The file that prill.record wrote.")] = "runs.db",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen at; 0 is any free port.")] = 8787,
    price: Annotated[list[str] | None, typer.Option(help="MODEL=READ,WRITTEN of a million tokens; repeat.")] = None,
    debug: Debug = False,
) -> None:
    """Show recorded runs in the browser: their steps, times, tokens and values. For this machine alone."""
    with _clear_errors(debug):
        from prill.cli.tracing import show_traces  # noqa: PLC0415 - needs the extra "serve"

        show_traces(path, port, price, typer.echo)


@contextmanager
def _clear_errors(debug: bool, hint: str = "") -> Iterator[None]:
    """Show an error of Prill's, or of the files and values given to it, as one message instead of a traceback."""
    try:
        yield
    except KeyboardInterrupt:
        if debug:
            raise
        raise typer.Exit(_INTERRUPTED) from None
    except BrokenPipeError:
        raise  # the reader of our output has left; typer ends the program for it
    except (PrillError, OSError) as error:
        if debug:
            raise
        print(f"prill: {error}" + (f"\n{hint}" if hint else ""), file=sys.stderr)
        raise typer.Exit(1) from None


def _run_replay(script: Path | None, port: int, pace: float) -> None:
    """Serve the replies of ``script`` again and again, or an echo, until Ctrl-C is pressed.

    Raises:
        ConfigError: the script cannot be used, or the port is taken.
    """
    from prill.testing import Faults, ReplayServer  # noqa: PLC0415 - of this command alone
    from prill.testing.script import read_script, repeat_replies  # noqa: PLC0415 - of this command alone

    replies = None if script is None else read_script(script)
    with ReplayServer(port=port, faults=Faults(pace=pace)) as server:
        if replies is not None:
            server.replies(repeat_replies(replies))
        print(f"Listening at {server.url}. In another terminal:", flush=True)
        print(f"  prill chat -m openai:any-name --base-url {server.openai_url}", flush=True)
        print(f"  prill chat -m anthropic:any-name --base-url {server.anthropic_url}", flush=True)
        Event().wait()
