"""The questions of the demonstration and their scripted answers, in the chunks that a model would send."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Texts:
    """The words of the demonstration in one language; ``joke``, ``countries``, ``sky`` and ``fish`` are answers."""

    joke_prompt: str
    topic: str
    joke: list[str]
    countries_prompt: str
    countries: list[str]
    sky_prompt: str
    sky: list[str]
    fish_prompt: str
    fish: list[str]
    titles: tuple[str, str, str, str]
    scripted: str
    uses: str
    leave: str

    def reply_to(self, question: str) -> list[str] | None:
        """The pieces of the answer to ``question``; ``None`` for a question that is not the demonstration's."""
        answers = {
            self.joke_prompt.format(topic=self.topic): self.joke,
            self.countries_prompt: self.countries,
            self.sky_prompt: self.sky,
            self.fish_prompt: self.fish,
        }
        return answers.get(question)


def _country(name: str, *digits: str) -> list[str]:
    start = ["\n    ", "{", "\n      ", '"', "name", '":', ' "', name, '",']
    return [*start, "\n      ", '"', "population", '":', " ", *digits, "\n    ", "}"]


def _countries(france: list[str], spain: list[str], japan: list[str]) -> list[str]:
    listed = [*_country("France", *france), ",", *_country("Spain", *spain), ",", *_country("Japan", *japan)]
    return ["{", "\n  ", '"', "countries", '":', " [", *listed, "\n  ", "]", "\n", "}"]


_JOKE = """\
Here|'s| a| joke| about| a| par|rot|:|

A man| goes| to| a| pet| shop| to| buy| a| par|rot|.| The| shop| owner| shows| him| two| stunning| pa|rr|ots| with\
| beautiful| pl|um|age|.|

"|There|'s| a| talking| par|rot| an|d a| non|-|talking| par|rot|,"| the| owner| says|.| "|The| talking| par|rot\
| costs| $|100|,| an|d the| non|-|talking| par|rot| is| $|20|."|

The| man| says|,| "|I|'ll| take| the| non|-|talking| par|rot| at| $|20|."|

He| pays| an|d leaves| with| the| par|rot|.| As| he|'s| walking| down| the| street|,| the| par|rot| looks| up| at\
| him| an|d says|,| "|You| know|,| you| really| are| a| stupi|d man|!"|

The| man| is| stun|ne|d an|d looks| at| the| par|rot| in| dis|bel|ief|.| The| par|rot| continues|,| "|Yes|,| you\
| got| r|ippe|d off| big| time|!| I| can| talk| just| as| well| as| that| other| par|rot|,| an|d you| only| pai|d $\
|20| |for| me|!\""""

_FISH = """\
Here| is| a| |1| |verse| song| about| gol|dfish| on| the| moon|:|

Floating| up| in| the| star|ry| night|,|
Fins| a|-|gl|im|mer| in| the| pale| moon|light|.|
Gol|dfish| swimming|,| peaceful| an|d free|,|
Se|ren|ely| |drif|ting| across| the| lunar| sea|."""

ENGLISH = Texts(
    joke_prompt="tell me a joke about {topic}",
    topic="parrot",
    joke=_JOKE.split("|"),
    countries_prompt=(
        "output a list of the countries france, spain and japan and their populations in JSON format. "
        'Use a dict with an outer key of "countries" which contains a list of countries. '
        "Each country should have the key `name` and `population`"
    ),
    countries=_countries(["67", "413", "000"], ["47", "351", "567"], ["125", "584", "000"]),
    sky_prompt="what color is the sky?",
    sky=["The", " sky", " appears", " blue", " during", " the", " day", "."],
    fish_prompt="Write me a 1 verse song about goldfish on the moon",
    fish=_FISH.split("|"),
    titles=(
        "A chain streams: each piece passes all three steps before the next one is asked for",
        "JSON grows while it arrives: the parser closes what is still open",
        "A generator function as a step: each name is put out as soon as it is known",
        "Two chains at once: their pieces arrive as they come, under the chain's key",
    ),
    scripted="scripted answers over real HTTP on this machine (a real one: set OPENAI_API_KEY, or give --model)",
    uses="Model: {}",
    leave="`prill chat -m openai:gpt-4o-mini` talks to a model; README.md goes on from here.",
)

_ZH_JOKE = """\
一个|人|去|宠|物|店|买|鹦|鹉|。|店|员|说|：“|这|只|鹦|鹉|会|说|话|。”|
|买|回|家|后|，|那|人|发|现|鹦|鹉|只|会|说|一|句|话|：“|我|是|鹦|鹉|。”|
|那|人|就|去|找|店|员|，|说|：“|你|不|是|说|这|只|鹦|鹉|会|说|话|吗|？|它|只|会|说|‘|我|是|鹦|鹉|’|。”|
|店|员|回|答|：“|它|确|实|会|说|话|，|你|想|它|怎|么|可能|知|道|自|己|是|鹦|鹉|呢|？”"""

_ZH_FISH = """\
月|亮|上|的|金|鱼|，|
在|星|光|里|慢|慢|地|游|，|
尾|巴|轻|轻|一|摆|，|
整|片|银|海|都|是|温|柔|。"""

CHINESE = Texts(
    joke_prompt="给我讲一个关于{topic}的笑话",
    topic="鹦鹉",
    joke=_ZH_JOKE.split("|"),
    countries_prompt=(
        "以JSON 格式输出法国、西班牙和日本的国家及其人口列表。"
        "使用一个带有“countries”外部键的字典，其中包含国家列表。"
        "每个国家都应该有键`name`和`population`"
    ),
    countries=_countries(["670", "810", "00"], ["467", "330", "38"], ["126", "300", "000"]),
    sky_prompt="天空是什么颜色？",
    sky=["白天", "的", "天空", "看", "起来", "是", "蓝色", "的", "。"],
    fish_prompt="写一首关于月亮上的金鱼的四行小诗",
    fish=_ZH_FISH.split("|"),
    titles=(
        "链的流式输出：每一块先走完三个步骤，然后才去取下一块",
        "JSON 边到边长：解析器把还没写完的部分补成合法的值",
        "生成器函数作为一个步骤：名字一出现就输出",
        "两条链同时运行：各自的块到了就出来，用键区分",
    ),
    scripted="本机上的真实 HTTP，回答是预先写好的（要用真实模型：设置 OPENAI_API_KEY，或给出 --model）",
    uses="模型：{}",
    leave="`prill chat -m openai:gpt-4o-mini` 可以与模型对话；接下来请看 README.zh-CN.md。",
)

LANGUAGES = {"en": ENGLISH, "zh": CHINESE}
