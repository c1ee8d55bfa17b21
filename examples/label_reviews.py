"""Label 10,000 reviews, be killed in the middle, and go on: no row is lost, and only those in flight are asked twice.

    python examples/label_reviews.py
    python examples/label_reviews.py --rows 500

It needs no key: a server on this machine stands in for the provider. The program starts itself a second time as the
one that does the work, kills that with SIGKILL when half of the requests have come, and starts it again.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from prill import ChatPromptTemplate, Runnable, StrOutputParser, bulk, init_chat_model
from prill.testing import ReplayServer, SeenRequest

AT_ONCE = 50
WORDS = ["I love it", "It broke after a day", "It does what it says", "Never again"]


def build_chain(url: str) -> Runnable[dict[str, str], str]:
    prompt = ChatPromptTemplate.from_template("One word, good or bad: what does this review say?\n\n{text}")
    return prompt | init_chat_model("openai:gpt-4o-mini", base_url=url, api_key="none") | StrOutputParser()


def label(url: str, folder: Path) -> None:
    """The work. Whoever starts it again after it was killed starts it in the same way."""
    report = bulk.run(
        build_chain(url),
        folder / "reviews.csv",
        folder / "labels.csv",
        key="id",
        keep=["text"],
        checkpoint=folder / "run",
        max_concurrency=AT_ONCE,
        prices={"gpt-4o-mini": (0.15, 0.60)},
        html=folder / "report.html",
        progress=True,
    )
    print(report, file=sys.stderr)
    print(json.dumps({"done": report.done, "failed": report.failed, "resumed": report.resumed, "cost": report.cost}))


def main() -> None:
    options = read_options()
    if options.url:
        label(options.url, options.folder)
        return
    with tempfile.TemporaryDirectory() as name, ReplayServer() as server:
        folder = Path(name)
        server.replies(answer)
        write_reviews(folder / "reviews.csv", options.rows)
        command = [sys.executable, __file__, "--url", server.openai_url, "--folder", name]

        first = subprocess.Popen(command)
        server.wait_requests(options.rows // 2, timeout=600)
        first.kill()
        first.wait()
        print("killed when half of the requests had come")

        second = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        report = json.loads(second.stdout)
        with open(folder / "labels.csv", encoding="utf-8", newline="") as file:
            labels = {row["id"]: row["output"] for row in csv.DictReader(file)}
        print(f"{report['done']} rows done, {report['failed']} failed, {len(labels)} in the output")
        print("done before the kill, and not asked again:", "most" if report["resumed"] > options.rows // 3 else "few")
        print("asked twice:", "at most those in flight" if server.request_count <= options.rows + AT_ONCE else "more")
        print({word: sum(label == word for label in labels.values()) for word in ("good", "bad")})


def answer(request: SeenRequest) -> str:
    """What stands in for the model says."""
    text = request.json["messages"][-1]["content"]
    return "bad" if "broke" in text or "Never" in text else "good"


def write_reviews(path: Path, count: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text"])
        writer.writerows([number, f"{WORDS[number % len(WORDS)]}. ({number})"] for number in range(count))


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
