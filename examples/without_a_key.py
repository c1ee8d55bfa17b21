"""Try the examples without a key: a server on this machine answers in the providers' place, with prepared words.

    python examples/without_a_key.py
    python examples/without_a_key.py watch_a_chain
    python examples/without_a_key.py tool_agent "What is here?" --folder docs
    python examples/without_a_key.py ask_a_pdf report.pdf "What does it say about costs?"

The programs and their requests are real, only the words do not come from a model. A question that nobody prepared is
answered with the passages that a model would be given, or else repeated. An example without arguments gets those for
which the words were written.
"""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from prill.testing import Faults, ReplayServer, Reply, SeenRequest

HERE = Path(__file__).parent
TEXTS = os.path.relpath(HERE / "texts")
HANDBOOK = os.path.relpath(HERE / "handbook")
HARVEST_PICTURE = os.path.relpath(HERE / "pictures" / "harvest.png")

ARGUMENTS: dict[str, list[str]] = {
    "chat_with_history": [],
    "rag_over_a_folder": [TEXTS, "How long do cats sleep?"],
    "conversational_rag": [TEXTS],
    "cited_answers": [HANDBOOK, "How long does a refund take, and what cannot be sent back?"],
    "ask_a_pdf": [os.path.relpath(HERE / "files" / "tea_house.pdf"), "How many people fit into the garden?"],
    "extract_a_table_live": [],
    "look_at_a_picture": [HARVEST_PICTURE, "--question", "Which month was the best?"],
    "parallel_summaries": [os.path.join(TEXTS, name) for name in ("bees.md", "cats.txt", "tea.md", "toads.md")],
    "fallback_between_providers": ["Why is the sky blue?"],
    "streaming_in_a_notebook": [],
    "fastapi_endpoint": [],
    "tool_agent": ["How hot is the water for green tea?", "--folder", TEXTS],
    "watch_a_chain": ["Should a small team write its own database?", "--picture", "debate.svg"],
    "translate_a_book": [],
    "research_agents": ["What do bees and cats have in common?"],
    "approve_in_the_terminal": [],
    "tools_of_a_server": ["What time is it in Tokyo when it is noon in Oslo?"],
    "label_reviews": ["--rows", "400"],
    "chat_in_the_browser": [TEXTS],
    "on_ray_serve": [],
    "evaluate_a_chain": [],
}


def say(text: str, **more: Any) -> Reply:
    """A reply word by word; Chinese comes letter by letter."""
    return Reply(re.findall(r"[\u3000-\u9fff\uff00-\uffef]|[^\s\u3000-\u9fff\uff00-\uffef]+\s*", text), **more)


def call(name: str, *args: dict[str, Any] | str, text: str = "", **more: Any) -> Reply:
    """A reply that calls a tool, once for each of ``args``."""
    return say(text, tool_calls=[{"name": name, "args": each} for each in args], **more)


EXPENSES = [
    {"day": "2025-03-04", "kind": "交通", "what": "上海到北京的高铁", "amount": 553},
    {"day": "2025-03-04", "kind": "住宿", "what": "东四的旅馆，两晚", "amount": 1196},
    {"day": "2025-03-05", "kind": "餐饮", "what": "请客户吃烤鸭", "amount": 688.5},
    {"day": "2025-03-05", "kind": "交通", "what": "打车去中关村", "amount": 47},
    {"day": "2025-03-06", "kind": "餐饮", "what": "机场的咖啡", "amount": 38},
    {"day": "2025-03-06", "kind": "交通", "what": "飞回上海的机票", "amount": 1180},
]

HARVEST = {"Mar": 12, "Apr": 34, "May": 41, "Jun": 29, "Jul": 22, "Aug": 18}

# What is looked for in a request (in its system prompt and its last message), and what is said to it.
REPLIES = {
    r"My name is Ada": say("Good to meet you, Ada! What are you working on?"),
    r"What is my name": say("You are Ada."),
    r"How long do cats sleep": say("Twelve to sixteen hours a day, most of it lightly [1]."),
    r"Write the last question": say("How do bees keep warm in winter?"),
    r"Answer from these passages.*How do bees find flowers": say("One that has found some dances, and the others go."),
    r"Answer from these passages.*in winter": say("They shiver in a ball."),
    r"How long does a refund take": say(
        "A refund takes a week from the day on which the item is back [2]. Vouchers and opened software cannot be sent "
        "back [1]."
    ),
    r"fit into the garden": say(
        "Twenty people (page 3). Groups of more than eight should book two days ahead (page 3)."
    ),
    r"列出下文中的每一笔花费": call("Expense_list", {"items": EXPENSES}, fragment=20),
    r"Which month was the best": say("May, with 41 tonnes."),
    r"Read all values": call(
        "Row_list", {"items": [{"label": month, "value": tonnes} for month, tonnes in HARVEST.items()]}, fragment=20
    ),
    r"Summarise.*Bees": say("Bees tell each other the way by dancing, and keep warm by shivering in a ball."),
    r"Summarise.*Cats": say("Cats sleep lightly for most of the day, and purr in good times and bad."),
    r"Summarise.*Tea": say("How long its leaves oxidise makes tea green, oolong or black."),
    r"Why is the sky blue": say("Air scatters blue light far more than red, so it reaches us from all over the sky."),
    r"How do bees tell": call("search", {"text": "dance"}, text="Let me look."),
    r"bees\.md:5: ": say("By dancing: the angle is the way, the time is how far."),
    r"How hot is the water": call("search", {"text": "degrees"}, text="Let me look."),
    r"tea\.md:\d+: Water": call("read_lines", '{"path": "tea.md", "first": 6, "co', finish_reason="length"),
    r"This was not run": call("read_lines", {"path": "tea.md", "first": 6}),
    r"\nWater for green tea": say("About 75 degrees: so the leaves give their sweetness before their bitterness."),
    r"Ask the reader.*in common": call("reader", {"input": "How do bees and cats use their muscles?"}, text="I ask."),
    r"Find what the texts say.*their muscles": call("search", {"text": "shiver"}, {"text": "purrs"}),
    r"Find what the texts say.*cats\.txt: ": say("Bees shiver to keep warm (bees.md), cats purr (cats.txt)."),
    r"Ask the reader.*Bees shiver": call("critic", {"input": "Both make their muscles tremble."}),
    r"what is wrong with this draft": say("It should say what for."),
    r"Ask the reader.*what for": say("Both make their muscles tremble: bees to keep warm, cats to purr."),
    r"meeting is at ten\.\nTell": call("find_address", {"name": "Ada"}, {"name": "Bob"}),
    r"meeting is at ten\.\nbob@": call(
        "send_mail", *({"to": f"{name}@example.org", "text": "The meeting is at ten."} for name in ("ada", "bob"))
    ),
    r"meeting is at ten\.\n.*rejected": say("I told Ada, and not Bob."),
    r"meeting is at ten\.\nsent": say("Ada and Bob know."),
    r"noon in Oslo\?\nWhat": call(
        "convert_time", {"source_timezone": "Europe/Oslo", "time": "12:00", "target_timezone": "Asia/Tokyo"}
    ),
    r"noon in Oslo\?\n.*Asia/Tokyo": say("In Tokyo it is evening: seven o'clock in summer, eight in winter."),
    r"What is the capital of France": say("The capital of France is Paris."),
    r"What is the capital of Japan": say("That is Tokyo."),
    r"What is the capital of Norway": say("Oslo"),
    r"Name the capital of France": say("Paris"),
    r"Name the capital of Japan": say("Tokyo"),
    r"Name the capital of Norway": say("Bergen"),
    r"Argue for": say("A database of one's own fits like a glove. It teaches the team what it really needs."),
    r"Argue against": say("It is ten years of work, and there are good ones."),
    r"Weigh it up": say("Only if the data is unlike all others."),
    r"joke about parrots": say("Why did the parrot wear a raincoat? It wanted to be polyunsaturated."),
    r"joke about owls": say("What does an educated owl say? Whom."),
    r"joke about bees": say("What is a bee's favourite haircut? A buzz cut."),
    r"populations of France": say(
        '{"countries": [{"name": "France", "population": 68}, {"name": "Spain", "population": 48}]}'
    ),
    r"Chinese.*alten Zeiten": say(
        "从前，许愿还有用的时候，有一位国王，他的女儿个个都美。最小的那一个美得连太阳照在她脸上，也要感到惊奇。"
    ),
    r"English.*alten Zeiten": say(
        "In the old days, when wishing still helped, there lived a king whose daughters were all beautiful. But the "
        "youngest was so beautiful that the sun itself was amazed whenever it shone in her face."
    ),
    r"Chinese.*Schlosse": say("离王宫不远，有一座幽暗的大森林，林中一棵老椴树下有一口井。"),
    r"English.*Schlosse": say(
        "Close to the king's castle lay a great dark forest, and in the forest, under an old lime-tree, was a well."
    ),
}

# What goes wrong first.
ACCIDENTS = {
    "fallback_between_providers": [
        say("Because the sea is reflected in it, and", faults=Faults(pace=0.05, cut_after_events=6)),
        Reply(faults=Faults(status=503)),
    ],
}


def answer(request: SeenRequest) -> Reply | None:
    """The prepared reply to a request, if there is one."""
    messages = request.json["messages"]
    system = request.json.get("system") or messages[0]["content"]
    asked = f"{system}\n{messages[-1]['content']}"
    prepared = (reply for pattern, reply in REPLIES.items() if re.search(pattern, asked, re.DOTALL))
    return next(prepared, None) or quote_passages(system)


def quote_passages(system: str) -> Reply | None:
    """The pages in a system prompt, for a document of the user's own."""
    _, mark, passages = system.partition("\n\nPage ")
    return say(f"No model is asked here. It would be given:\n\nPage {passages}") if mark else None


def keys(server: ReplayServer) -> dict[str, str]:
    """The environment in which the providers are ``server``."""
    return {
        "OPENAI_API_KEY": "none",
        "OPENAI_BASE_URL": server.openai_url,
        "ANTHROPIC_API_KEY": "none",
        "ANTHROPIC_BASE_URL": server.anthropic_url,
    }


def main() -> None:
    name = Path(sys.argv[1]).stem if len(sys.argv) > 1 else ""
    if name not in ARGUMENTS:
        sys.exit("Say which: " + ", ".join(ARGUMENTS))
    arguments = sys.argv[2:] or ARGUMENTS[name]
    program = [str(HERE / f"{name}.py")]
    if name.endswith("notebook"):
        program = ["-m", "jupyter", "lab", str(HERE / f"{name}.ipynb")]
    signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C is for the example
    with ReplayServer() as server:
        server.pace = 0.04
        server.queue(*ACCIDENTS.get(name, []))
        server.replies(answer)
        ran = subprocess.run([sys.executable, *program, *arguments], env={**os.environ, **keys(server)}, check=False)
    sys.exit(ran.returncode)


if __name__ == "__main__":
    main()
