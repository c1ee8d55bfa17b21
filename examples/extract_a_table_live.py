"""从一段文字里提取表格，边生成边显示：每一行一写完就校验，校验通过就出现在表格里。

Reads a table out of a text while the model writes it: each row is validated when it closes, and is in the table then.

    python examples/extract_a_table_live.py
    python examples/extract_a_table_live.py 报销单.txt --model dashscope:qwen-plus

没有给文件时，用下面这段报销说明。金额必须大于零，日期必须是日期：不合格的一行会指明位置和原因，它之前的行都还在。
"""

import argparse
import sys
from datetime import date
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, Field
from rich.live import Live
from rich.table import Column, Table

from prill import PrillError, init_chat_model

TEXT = """\
上个月出差的花费如下。3 月 4 日从上海坐高铁去北京，二等座 553 元。当天晚上住在东四的旅馆，两晚一共 1196 元。
5 号中午请客户吃烤鸭，四个人花了 688.5 元，下午打车去中关村 47 元。6 号早上在机场喝咖啡 38 元，飞回上海的机票 1180 元。
以上都是 2025 年的事。"""


class Kind(StrEnum):
    TRAVEL = "交通"
    HOTEL = "住宿"
    MEAL = "餐饮"
    OTHER = "其他"


class Expense(BaseModel):
    """一笔花费。"""

    day: date = Field(description="日期，如 2025-03-04")
    kind: Kind = Field(description="类别")
    what: str = Field(description="是什么，不超过十个字")
    amount: Decimal = Field(gt=0, description="金额，单位是元")


def main() -> None:
    options = read_options()
    text = options.file.read_text(encoding="utf-8") if options.file else TEXT
    rows = init_chat_model(options.model).with_structured_output(list[Expense]).elements()

    table = Table("日期", "类别", "花费", Column("元", justify="right"), show_footer=True)
    total = Decimal(0)
    with Live(table, auto_refresh=False) as live:
        for row in rows.stream(f"列出下文中的每一笔花费。\n\n{text}"):
            total += row.amount
            table.add_row(f"{row.day:%m-%d}", row.kind, row.what, f"{row.amount:.2f}")
            table.columns[-1].footer = f"{total:.2f}"
            live.refresh()


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="从一段文字里提取花费，做成表格。")
    parser.add_argument("file", type=Path, nargs="?", help="文字所在的文件")
    parser.add_argument("--model", default="openai:gpt-4o-mini", help="供应商:模型（%(default)s）")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main()
    except PrillError as error:
        sys.exit(str(error))
