"""Documents of many kinds, made from a seed: what a simulated model has to say."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from functools import cache, partial
from typing import Any

Maker = Callable[[random.Random, int], str]

NAMES = """
Ada Boris Chiara Dmitri Esther Farid Greta Hiroshi Imogen Jonas Kwame Leila Mateo Nadia Oskar
Priya Quentin Rosa Stefan Tomoko
""".split()
PLACES = """
Antwerp Bergen Cusco Dakar Erfurt Florence Galway Hanoi Izmir Jaipur Kyoto Lisbon Malmö Nairobi
Odense Porto
""".split()
THINGS = """
anchor archive balcony barometer bridge cabinet candle compass curtain engine ferry filter garden
harbour hinge kettle ladder lantern ledger lens magnet mirror orchard parcel pendulum piano quarry
ribbon saddle shutter signal staircase tunnel valve violin warehouse window
""".split()
KINDS_OF = """
amber brittle careful crooked distant early faded gentle hollow idle jagged late mild narrow
ordinary patient quiet rusty silver tall uneven vacant wooden yellow
""".split()
DEEDS = """
adjusted borrowed carried cleaned compared counted described emptied fastened forgot inspected
labelled lifted measured mended opened painted polished recorded replaced returned sealed sketched
stored tested traded unpacked weighed
""".split()
SENTENCES = (
    "{name} {deed} the {kind} {thing} in {place} before {number} o'clock",
    "Near {place}, a {kind} {thing} was {deed} by {name} for {number} crowns",
    "Nobody in {place} had {deed} so many {thing}s as {name} did in {number}",
    "When the {thing} broke, {name} {deed} another one, {kind} but cheaper ({number} in all)",
    "The {kind} {thing} from {place} weighs {number} grams, says {name}",
    "{name}'s {thing} is {kind}; it cost {number}, and {name2} {deed} it twice",
    "After {number} days {name} and {name2} {deed} the last {kind} {thing}",
    "Why {name2} {deed} a {thing} in {place} remains a {kind} question for page {number}",
)
HAN = (
    "{who}在{where}找到了第{number}把{what}，然后把它放回原处。",
    "那天晚上{who}写道：{what}已经修好，一共花了{number}元。",
    "从{where}到海边要走{number}里路，{who}却只带了一个{what}。",
    "{who}は{where}で{what}を{number}個ならべ、静かに数えた。",
    "雨がやむと、{who}は{where}の{what}をもう{number}回みがいた。",
    "{where}的{what}很旧了，可是{who}说再用{number}年也没有问题。",
)
HAN_WHO = "小林 王芳 佐藤 李伟 陈老师 山田 赵阿姨 鈴木".split()
HAN_WHERE = "京都 车站 图书馆 屋顶 市場 港口 学校 古井".split()
HAN_WHAT = "钥匙 时钟 灯笼 茶碗 雨伞 地图 算盘 望远镜".split()
PICTURES = (
    "👨‍👩‍👧‍👦 {name} met the family 👩‍👩‍👦 in {place} 🇯🇵🇧🇷, {number} times 👍🏽",
    "Cafe\u0301 {thing} 🏳️‍🌈 and nai\u0308ve {kind} ideas 🤷🏿‍♀️ cost {number} €",
    "{name2} כתב {number} מילים על {thing} 🧑🏻‍🚀, then {deed} it",
    "قال {name} إن {thing} في {place} يساوي {number} 🇸🇦 exactly",
    "A\u030angstro\u0308m {kind} 1️⃣2️⃣ {thing} e\u0301te\u0301 🧑🏾‍🤝‍🧑🏼 {name} {deed}",
)


def document(kind: str, seed: int = 0, size: int = 600) -> str:
    """A document; the same for the same arguments.

    Args:
        kind: One of `KINDS`.
        seed: Any number.
        size: About how many characters, 150 to 3,000. It never ends in white space.
    """
    return KINDS[kind](random.Random(f"{kind}/{seed}/{size}"), size)


def _grow(size: int, more: Callable[[int], str], glue: str) -> str:
    """Pieces, numbered from 1, until there are `size` characters."""
    pieces: list[str] = []
    while sum(map(len, pieces)) + len(glue) * len(pieces) < size:
        pieces.append(more(len(pieces) + 1))
    return glue.join(pieces)


def _filled(chance: random.Random, template: str) -> str:
    name, name2 = chance.sample(NAMES, 2)
    return template.format(
        name=name,
        name2=name2,
        place=chance.choice(PLACES),
        thing=chance.choice(THINGS),
        kind=chance.choice(KINDS_OF),
        deed=chance.choice(DEEDS),
        number=chance.randint(3, 9_999),
        who=chance.choice(HAN_WHO),
        where=chance.choice(HAN_WHERE),
        what=chance.choice(HAN_WHAT),
    )


def _sentence(chance: random.Random) -> str:
    return _filled(chance, chance.choice(SENTENCES))


def _paragraph(chance: random.Random) -> str:
    return ". ".join(_sentence(chance) for _ in range(chance.randint(2, 4))) + "."


def _prose(chance: random.Random, size: int) -> str:
    return _grow(size, lambda _: _paragraph(chance), "\n\n")


def _numbered(chance: random.Random, size: int) -> str:
    return _grow(size, lambda n: f"{n}. {_sentence(chance)}.", "\n")


def _cjk(chance: random.Random, size: int) -> str:
    def paragraph(_: int) -> str:
        return "".join(_filled(chance, chance.choice(HAN)) for _ in range(4))

    return _grow(size, paragraph, "\n\n")


def _emoji(chance: random.Random, size: int) -> str:
    return _grow(size, lambda _: _filled(chance, chance.choice(PICTURES)), "\n")


def _periodic(chance: random.Random, size: int) -> str:
    word = chance.choice(("ha ", "na ", "tick tock "))
    return (word * (size // len(word) + 1)).rstrip()


def _csv(chance: random.Random, size: int) -> str:
    rows = ["id,name,place,item,state,price"]

    def row(n: int) -> str:
        if n > 2 and chance.random() < 0.2:
            return rows[-1]
        item = f'"{chance.choice(THINGS)}, {chance.choice(KINDS_OF)}"'
        who, where, deed = (chance.choice(words) for words in (NAMES, PLACES, DEEDS))
        cells = [str(chance.randint(100, 999)), who, where, item, deed]
        cells.append(f"{chance.uniform(1, 900):.2f}")
        rows.append(",".join(cells))
        return rows[-1]

    return rows[0] + "\n" + _grow(size - len(rows[0]), row, "\n")


def _code(chance: random.Random, size: int) -> str:
    def function(n: int) -> str:
        verb, thing = chance.choice(DEEDS), chance.choice(THINGS)
        other, number = chance.choice(KINDS_OF), chance.randint(2, 99)
        return (
            f"def {verb}_{thing}_{n}({thing}: list[int], {other}: int = {number}) -> int:\n"
            f'    """{_sentence(chance)}."""\n'
            f"    total = {chance.randint(0, 999)}\n"
            f"    for step, value in enumerate({thing}):\n"
            f"        if value % {number} == step:  # {chance.choice(KINDS_OF)}\n"
            f'            print(f"{chance.choice(NAMES)}: {{value}}\\n")\n'
            f"            total += value * {other}\n"
            f"    return total"
        )

    return "import json\n\n\n" + _grow(size - 14, function, "\n\n\n")


def _markdown(chance: random.Random, size: int) -> str:
    makers: list[Callable[[], str]] = [
        lambda: _paragraph(chance),
        lambda: "\n".join(f"- **{chance.choice(THINGS)}**: {_sentence(chance)}" for _ in range(3)),
        lambda: f"```python\n{_code(chance, 150)}\n```",
        lambda: (
            "| who | what |\n| --- | --- |\n"
            + "\n".join(f"| {chance.choice(NAMES)} | {_sentence(chance)} |" for _ in range(3))
        ),
        lambda: f"```json\n{json.dumps(_member(chance), indent=2)}\n```",
    ]

    def section(n: int) -> str:
        return f"## {n}. The {chance.choice(KINDS_OF)} {chance.choice(THINGS)}\n\n" + "\n\n".join(
            (_paragraph(chance), makers[n % len(makers)]())
        )

    return _grow(size, section, "\n\n")


def _member(chance: random.Random) -> dict[str, Any]:
    """A small object with everything that JSON has."""
    return {
        "id": chance.randint(1_000, 99_999),
        "title": _sentence(chance),
        "price": round(chance.uniform(-10, 900), 3),
        "stocked": chance.random() < 0.5,
        "heir": chance.choice((None, chance.choice(NAMES))),
        "tags": chance.sample(THINGS, chance.randint(1, 3)),
    }


def _rich(chance: random.Random) -> dict[str, Any]:
    """Some members of such an object, and some with all that must be escaped."""
    note = (
        f'{chance.choice(NAMES)} said:\t"{_sentence(chance)}"\nand left C:\\{chance.choice(THINGS)}'
    )
    value = _member(chance) | {
        "note": note,
        "größe": chance.random() * 1e-7,
        "icon": _filled(chance, chance.choice(PICTURES)),
        "text": _filled(chance, chance.choice(HAN)),
    }
    chosen = chance.sample(list(value), chance.randint(3, 7))
    return {key: value[key] for key in value if key in chosen}


def _object(chance: random.Random, size: int, dump: Callable[[Any], str]) -> str:
    title, items = _sentence(chance), [_rich(chance)]
    while True:
        value = {"title": title, "items": items, "total": len(items), "done": True}
        if len(text := dump(value)) >= size:
            return text
        items.append(_rich(chance))


def _json_pretty(chance: random.Random, size: int) -> str:
    return _object(chance, size, partial(json.dumps, indent=2, ensure_ascii=False))


def _json_min(chance: random.Random, size: int) -> str:
    plain = partial(json.dumps, ensure_ascii=False, separators=(",", ":"))
    return _object(chance, size, plain)


def _json_ascii(chance: random.Random, size: int) -> str:
    return _object(chance, size, json.dumps)


def _json_records(chance: random.Random, size: int) -> str:
    records = [
        {
            "id": n,
            "name": chance.choice(NAMES),
            "place": chance.choice(PLACES),
            "count": chance.randint(0, 120),
            "open": chance.random() < 0.5,
        }
        for n in range(1, max(2, size // 70) + 1)
    ]
    return "[\n" + ",\n".join(json.dumps(r, ensure_ascii=False) for r in records) + "\n]"


def _json_nested(chance: random.Random, size: int) -> str:
    value: Any = _member(chance)
    while len(json.dumps(value)) < size:
        key = chance.choice(THINGS)
        near = [chance.randint(0, 99), chance.choice(KINDS_OF)]
        value = {key: [value, *near]} if chance.random() < 0.5 else {"before": near, key: value}
    return json.dumps(value, ensure_ascii=False)


def _fenced_json(chance: random.Random, size: int) -> str:
    return f"Here is the JSON you asked for:\n\n```json\n{_json_pretty(chance, size)}\n```"


KINDS: dict[str, Maker] = {
    "json_pretty": _json_pretty,
    "json_min": _json_min,
    "json_ascii": _json_ascii,
    "json_records": _json_records,
    "json_nested": _json_nested,
    "markdown": _markdown,
    "code": _code,
    "csv": _csv,
    "prose": _prose,
    "cjk": _cjk,
    "emoji": _emoji,
    "periodic": _periodic,
    "numbered": _numbered,
    "fenced_json": _fenced_json,
}
"""How each kind is made."""


@cache
def is_json(text: str) -> bool:
    """Whether it is a JSON object or array, and nothing else."""
    try:
        return isinstance(json.loads(text), dict | list)
    except ValueError:
        return False
