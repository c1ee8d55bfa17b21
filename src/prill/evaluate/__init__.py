"""Score a chain on a data set, and compare two runs.

from prill.evaluate import compare, evaluate, exact_match

result = evaluate(chain, "questions.jsonl", [exact_match])
result.save("new.json")
compare("old.json", result).write("changes.html")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prill.lazy import lazy_names

if TYPE_CHECKING:
    from prill.evaluate.comparison import Comparison as Comparison
    from prill.evaluate.comparison import compare as compare
    from prill.evaluate.judges import judge as judge
    from prill.evaluate.judges import preference as preference
    from prill.evaluate.result import Evaluation as Evaluation
    from prill.evaluate.result import EvaluationRow as EvaluationRow
    from prill.evaluate.run import aevaluate as aevaluate
    from prill.evaluate.run import evaluate as evaluate
    from prill.evaluate.scorers import Score as Score
    from prill.evaluate.scorers import Scorer as Scorer
    from prill.evaluate.scorers import embedding_similarity as embedding_similarity
    from prill.evaluate.scorers import exact_match as exact_match
    from prill.evaluate.scorers import json_diff as json_diff
else:  # a type checker would believe that every name exists
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "comparison": "Comparison compare",
            "judges": "judge preference",
            "result": "Evaluation EvaluationRow",
            "run": "aevaluate evaluate",
            "scorers": "Score Scorer embedding_similarity exact_match json_diff",
        },
    )
