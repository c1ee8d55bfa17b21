import pytest

from prill import PromptTemplate
from prill.errors import PromptError
from prill.prompts.jinja import Jinja
from prill.prompts.jinja_limits import MOST_TEXT

DOUBLED = (
    "{{% set ns = namespace(x={0}) %}}{{% for i in range(99) %}}{{% set ns.x = {1} %}}{{% endfor %}}{{{{ ns.x{2} }}}}"
)

TOO_MUCH = {
    "operator *": "{{ 'a' * 99999999 }}",
    "operator **": "{{ 9 ** 99999999 }}",
    "operator %": "{{ '%99999999d' % 1 }}",
    "operator % with a variable width": "{{ '%*d' % (99999999, 1) }}",
    "range": "{% for i in range(10 ** 9) %}x{% endfor %}",
    "loops in loops": "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "text in a loop": "{% for i in range(99999) %}" + "y" * 1000 + "{% endfor %}",
    "text in a loop, kept": "{% set x %}{% for i in range(99999) %}" + "y" * 1000 + "{% endfor %}{% endset %}",
    "a filter in a loop": "{% for i in range(99999) %}{{ 'a'|center(9999) }}{% endfor %}",
    "a loop that calls itself": "{% for i in [[1] * 9] recursive %}{{ loop([[1]] * 9) }}{% endfor %}",
    "a macro that calls itself": "{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}",
    "a macro that calls itself twice": (
        "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}"
    ),
    "placeholder text": "{{ lipsum(n=100000) }}",
    "center": "{{ 'a'|center(99999999) }}",
    "str.center": "{{ 'a'.center(99999999) }}",
    "str.format": "{{ '{:99999999}'.format(1) }}",
    "str.format with a variable width": "{{ '{:{}}'.format(1, 99999999) }}",
    "format": "{{ '%99999999d'|format(1) }}",
    "round": "{{ 1.5|round(99999999, 'floor') }}",
    "int.to_bytes": "{{ (1).to_bytes(99999999, 'big') }}",
    "tojson": "{{ {'a': 1}|tojson(indent=99999999) }}",
    "slice": "{{ [1]|slice(99999999)|list|length }}",
    "batch": "{{ [1]|batch(99999999, 0)|list|length }}",
    "indent": "{{ ('\\n' * 9999)|indent(9999)|length }}",
    "str.expandtabs": "{{ ('\\t' * 9999).expandtabs(9999)|length }}",
    "replace": "{{ ('a' * 9999)|replace('a', 'b' * 9999)|length }}",
    "str.replace": "{{ ('a' * 9999).replace('', 'b' * 9999)|length }}",
    "str.translate": "{{ ('a' * 99999).translate({97: 'b' * 999})|length }}",
    "join": "{{ (['a' * 9999] * 99999)|join|length }}",
    "join with a long separator": "{{ range(99999)|join('a' * 9999)|length }}",
    "str.join": "{{ ''.join(range(9999)|map('center', 9999))|length }}",
    "~ again and again": DOUBLED.format("'a'", "ns.x ~ ns.x", "|length"),
    "+ again and again": DOUBLED.format("'a'", "ns.x + ns.x", "|length"),
    "* again and again": DOUBLED.format("3", "ns.x * ns.x", " > 1"),
    "lists of one list, printed": DOUBLED.format("['a']", "[ns.x, ns.x]", ""),
    "lists of one list, as text": DOUBLED.format("['a']", "[ns.x, ns.x]", "|upper|length"),
}


@pytest.mark.parametrize("template", TOO_MUCH.values(), ids=TOO_MUCH)
def test_a_jinja2_template_that_would_write_or_repeat_too_much_is_refused(template: str) -> None:
    with pytest.raises(PromptError, match=r"too much|over 10000|Range too big|cannot be filled"):
        Jinja(template).render({})


def test_the_bound_is_for_each_time_that_a_template_is_filled() -> None:
    template = PromptTemplate.from_template("{{ text }}", template_format="jinja2")
    half = "a" * (MOST_TEXT // 2 + 1)
    assert template.format(text=half) == half
    assert template.format(text=half) == half
    with pytest.raises(PromptError, match="too much"):
        PromptTemplate.from_template("{{ text }}{{ text }}", template_format="jinja2").format(text=half)


def test_a_template_that_is_filled_while_another_is_has_its_own_bound() -> None:
    class Inner:
        def __str__(self) -> str:
            return Jinja("{{ 'b' * 4000000 }}").render({})

    assert len(Jinja("{{ 'a' * 4000000 }}{{ inner }}{{ inner }}").render({"inner": Inner()})) == 12_000_000


def test_usual_templates_are_filled_as_before() -> None:
    template = Jinja(
        "{% for page in pages %}{{ loop.index }}/{{ loop.length }} {{ page.text|upper|center(5) }}"
        "{% if not loop.last %}, {% endif %}{% endfor %}; {{ pages|map(attribute='text')|join('-') }}; "
        "{{ '%5.2f' % 1.5 }}{{ '{:>3}'.format(3) }}; {{ a ~ 1 }}{{ 'ab' * 2 }}{{ 2 * 3 }}{{ 2 ** 10 }}; "
        "{% for i in once %}{{ i }}{{ loop.last }}{% endfor %}; {% for i in absent %}{% endfor %}{{ absent }}"
        "{% for i in tree recursive %}{{ i.n }}{{ loop(i.inner) }}{% endfor %}"
    )
    tree = [{"n": 1, "inner": [{"n": 2, "inner": []}]}]
    values = {"pages": [{"text": "x"}, {"text": "y"}], "a": "A", "once": iter([1, 2]), "tree": tree}
    assert template.render(values) == "1/2   X  , 2/2   Y  ; x-y;  1.50  3; A1abab61024; 1False2True; 12"
    assert template.names == ("a", "absent", "once", "pages", "tree")
