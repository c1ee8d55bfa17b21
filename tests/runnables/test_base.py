"""The methods of ``Runnable`` make things of files that import it, whatever has been imported before."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "use",
    [
        "ChatPromptTemplate.from_template('{x}') | (lambda value: value)",
        "ChatPromptTemplate.from_template('{x}') | {'a': str}",
        "ChatPromptTemplate.from_template('{x}').assign(a=str)",
        "ChatPromptTemplate.from_template('{x}').pick('a')",
        "ChatPromptTemplate.from_template('{x}').map()",
        "ChatPromptTemplate.from_template('{x}').bind(a=1)",
        "ChatPromptTemplate.from_template('{x}').with_fallbacks([str])",
        "ChatPromptTemplate.from_template('{x}').with_timeout(total=1)",
        "ChatPromptTemplate.from_template('{x}').with_listeners(on_end=print)",
        "ChatPromptTemplate.from_template('{x}').configurable_fields()",
        "ChatPromptTemplate.from_template('{x}').with_config(configurable={})",
        "ChatPromptTemplate.from_template('{x}').get_graph()",
        "ChatPromptTemplate.from_template('{x}').explain_streaming()",
        "ChatPromptTemplate.from_template('{x}').as_tool(name='t')",
        "ChatPromptTemplate.from_template('{x}').config_schema()",
        "list(ChatPromptTemplate.from_template('{x}').stream_events({'x': 1}))",
        "from prill.prompts import MessagesPlaceholder; MessagesPlaceholder('x') + MessagesPlaceholder('y')",
        "ChatPromptTemplate.from_template('{x}').with_retry()",
        "ChatPromptTemplate.from_template('{x}').with_config(tags=['a'])",
    ],
)
def test_a_method_finds_the_class_that_it_makes_in_a_fresh_process(use):
    subprocess.run([sys.executable, "-c", f"from prill.prompts import ChatPromptTemplate\n{use}"], check=True)
