"""The words of the chat's interface, in English and in Chinese."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """What ``prill chat`` shows in one language; names in braces are filled in."""

    hint: str
    commands: tuple[tuple[str, str], ...]
    keys: tuple[tuple[str, str], ...]
    yes: frozenset[str]
    no: frozenset[str]
    edit: frozenset[str]
    thinking: str
    stopped: str
    cut: str
    cleared: str
    saved: str
    loaded: str
    not_loaded: str
    model: str
    no_tools: str
    attached: str
    unknown: str
    needs_argument: str
    no_history: str
    no_model: str
    cannot_approve: str
    run: str
    now: str
    new: str
    not_json: str
    not_an_object: str


ENGLISH = Words(
    hint="/help lists the commands, Ctrl-D leaves.",
    commands=(
        ("/file PATH [QUESTION]", "send an image, a PDF or a text, at once or with the next question"),
        ("/model [NAME]", "say which model answers, or change it"),
        ("/tools", "list the tools that the model may call"),
        ("/save FILE", "write what was said to FILE, as JSON"),
        ("/load FILE", "go on from what /save wrote"),
        ("/clear", "forget what was said"),
        ("/help", "show this"),
        ("exit", "leave"),
    ),
    keys=(
        ("Enter", "send; text that is pasted stays one message"),
        ("Alt+Enter", "a new line; so does \\ before Enter"),
        ("Up, Down", "what was typed before, in earlier chats too"),
        ("Ctrl-C", "stop the answer, or give up the line"),
        ("Ctrl-D", "leave"),
    ),
    yes=frozenset(("y", "yes")),
    no=frozenset(("n", "no")),
    edit=frozenset(("e", "edit")),
    thinking="Thinking: ",
    stopped="[stopped]",
    cut="[the answer is cut: it reached the limit of tokens]",
    cleared="[what was said is forgotten]",
    saved="[{count} messages in {path}]",
    loaded="[{count} messages from {path}]",
    not_loaded="{path} does not hold messages as /save writes them",
    model="[model: {name}]",
    no_tools="[no tools: start with --tools module:name or --mcp command]",
    attached="[{name} goes with the next question]",
    unknown="there is no command {command}; /help lists them",
    needs_argument="{usage}: something is missing",
    no_history="[what is typed is not kept for later chats: {error}]",
    no_model=(
        "no API key in the environment (OPENAI_API_KEY, ANTHROPIC_API_KEY or GOOGLE_API_KEY) and no Ollama server "
        "found: set a key, or name a model with --model"
    ),
    cannot_approve="tools are approved at a terminal; --yes runs them without asking",
    run="Run {call}? [y]es, [n]o, [e]dit: ",
    now="Now: {args}",
    new="New: ",
    not_json="[not JSON: {error}]",
    not_an_object='[not a JSON object, such as {"city": "Oslo"}]',
)

CHINESE = Words(
    hint="/help 列出命令，Ctrl-D 退出。",
    commands=(
        ("/file 路径 [问题]", "发送图片、PDF 或文本；不写问题时随下一个问题发送"),
        ("/model [名称]", "显示或更换模型"),
        ("/tools", "列出模型可以调用的工具"),
        ("/save 文件", "把对话写成 JSON 文件"),
        ("/load 文件", "从 /save 写的文件继续"),
        ("/clear", "忘掉对话"),
        ("/help", "显示本说明"),
        ("exit", "退出"),
    ),
    keys=(
        ("Enter", "发送；粘贴的多行文本是一条消息"),
        ("Alt+Enter", "换行；行末加 \\ 再按 Enter 也可以"),
        ("↑ ↓", "以前输入过的内容，包括以前的对话"),
        ("Ctrl-C", "停止回答，或放弃这一行"),
        ("Ctrl-D", "退出"),
    ),
    yes=frozenset(("y", "yes", "是", "好")),
    no=frozenset(("n", "no", "否", "不")),
    edit=frozenset(("e", "edit", "改")),
    thinking="思考：",
    stopped="[已停止]",
    cut="[回答不完整：达到了 token 上限]",
    cleared="[对话已忘掉]",
    saved="[{count} 条消息已写入 {path}]",
    loaded="[从 {path} 读入 {count} 条消息]",
    not_loaded="{path} 里不是 /save 写的消息",
    model="[模型：{name}]",
    no_tools="[没有工具：启动时加 --tools 模块:名称 或 --mcp 命令]",
    attached="[{name} 将随下一个问题发送]",
    unknown="没有命令 {command}；/help 列出全部命令",
    needs_argument="{usage}：缺少内容",
    no_history="[输入的内容不会保留到以后的对话：{error}]",
    no_model=(
        "环境变量里没有密钥（OPENAI_API_KEY、ANTHROPIC_API_KEY 或 GOOGLE_API_KEY），也没有找到 Ollama："
        "请设置密钥，或用 --model 指定模型"
    ),
    cannot_approve="工具要在终端里逐个批准；--yes 表示不询问",
    run="运行 {call}？[y] 是，[n] 否，[e] 修改：",
    now="现在：{args}",
    new="改为：",
    not_json="[不是 JSON：{error}]",
    not_an_object='[不是 JSON 对象，例如 {"city": "Oslo"}]',
)

WORDS = {"en": ENGLISH, "zh": CHINESE}
