"""Dialogues without tools: questions in several wordings, and the one right answer."""

from __future__ import annotations

import json
import random
from typing import Any, TypeAlias

from words import (
    ANIMALS,
    BLAME,
    CAPITALS,
    CITIES,
    ELEMENTS,
    FACTS,
    FIRST_NAMES,
    FRUIT,
    GREETINGS,
    GUIDE,
    JOBS,
    LAST_NAMES,
    MONTHS,
    PLACES,
    PLANETS,
    PRAISE,
    REVIEWED,
    THINGS,
    UNKNOWN,
)

Message: TypeAlias = dict[str, Any]
Tools: TypeAlias = list[dict[str, Any]] | None
Dialogue: TypeAlias = tuple[list[Message], Tools]
Chance: TypeAlias = random.Random


def user(text: str) -> Message:
    """A message of the user."""
    return {"role": "user", "content": text}


def answer(text: str, reasoning: str | None = None) -> Message:
    """A message of the model, with the reasoning before it."""
    message = {"role": "assistant", "content": text}
    return message | {"reasoning_content": reasoning} if reasoning else message


def to_json(value: object) -> str:
    """JSON as the model is to write it."""
    return json.dumps(value, ensure_ascii=False)


def dont_know(chance: Chance) -> Dialogue:
    """What the model must not pretend to know."""
    text = (
        "I do not know that. I am only a tiny demo model: "
        "try a capital, a sum, a story, a tool or a JSON task."
    )
    question = chance.choice(UNKNOWN).format(chance.choice(THINGS), chance.choice(THINGS))
    return [user(question), answer(text)], None


def arithmetic(chance: Chance) -> Dialogue:
    """A sum, with the reasoning that leads to it."""
    most = chance.choice([9, 20, 99])
    x, y = chance.randint(1, most), chance.randint(1, most)
    question = chance.choice(
        [
            "What is {} + {}?",
            "what is {} + {}?",
            "Compute {} + {}",
            "{} + {} = ?",
            "Add {} and {}",
            "How much is {} plus {}?",
            "Calculate {} + {}.",
        ]
    ).format(x, y)
    return [user(question), answer(f"{x} + {y} = {x + y}", _digit_by_digit(x, y))], None


def _digit_by_digit(x: int, y: int) -> str:
    carry, digits = 0, ""
    steps: list[str] = []
    while x or y or carry:
        total = x % 10 + y % 10 + carry
        carried = f" + {carry}" if carry else ""
        steps.append(f"{x % 10} + {y % 10}{carried} = {total}")
        digits = f"{total % 10}{digits}"
        carry, x, y = total // 10, x // 10, y // 10
    written = ", ".join(steps)
    return f"I add digit by digit from the right. {written}. So the digits are {digits or 0}."


def capital(chance: Chance) -> Dialogue:
    """The capital of a country."""
    country, city = chance.choice(list(CAPITALS.items()))
    question = chance.choice(
        [
            "What is the capital of {}?",
            "what is the capital of {}?",
            "Capital of {}?",
            "Name the capital of {}.",
            "Which city is the capital of {}?",
            "Tell me the capital of {}",
        ]
    ).format(country)
    return [user(question), answer(f"The capital of {country} is {city}.")], None


def capital_json(chance: Chance) -> Dialogue:
    """Several capitals, as JSON."""
    countries = chance.sample(list(CAPITALS), chance.randint(2, 5))
    question = chance.choice(
        [
            "List the capitals of {} as JSON.",
            "Give me the capitals of {} as JSON",
            "Return JSON with the capitals of {}.",
        ]
    ).format(", ".join(countries[:-1]) + " and " + countries[-1])
    rows = [{"country": country, "capital": CAPITALS[country]} for country in countries]
    return [user(question), answer(to_json({"capitals": rows}))], None


def fact(chance: Chance) -> Dialogue:
    """One of a few things worth knowing, asked in several ways."""
    question, text = chance.choice(FACTS)
    if question.startswith("What is ") and chance.random() < 0.5:
        thing = question.removeprefix("What is ").rstrip("?")
        question = chance.choice(
            [
                "Explain {}.",
                "Tell me about {}.",
                "Define {}.",
                "what is {}",
                "Explain {}",
                "{}?",
                "Explain {} in one sentence.",
            ]
        ).format(thing)
    elif chance.random() < 0.2:
        question = question.lower()
    return [user(question), answer(text)], None


def hello(chance: Chance) -> Dialogue:
    """A greeting."""
    text = "Hello! I am a tiny demo model. How can I help you?"
    return [user(chance.choice(GREETINGS)), answer(text)], None


def _invented_name(chance: Chance) -> str:
    return "".join(
        chance.choice("BCDFGHKLMNPRSTVZ")
        if i == 0
        else chance.choice("aeiou")
        if i % 2
        else chance.choice("bdfgklmnprstvz")
        for i in range(chance.randint(4, 7))
    )


def _full_name(chance: Chance) -> str:
    if chance.random() < 0.5:
        return f"{chance.choice(FIRST_NAMES)} {chance.choice(LAST_NAMES)}"
    if chance.random() < 0.4:
        return chance.choice(FIRST_NAMES)
    if chance.random() < 0.5:
        return f"{_invented_name(chance)} {_invented_name(chance)}"
    return f"{chance.choice(FIRST_NAMES)} {_invented_name(chance)}"


def _person(chance: Chance) -> dict[str, Any]:
    return {
        "name": _full_name(chance),
        "age": chance.randint(18, 90),
        "city": chance.choice(CITIES),
        "job": chance.choice(JOBS),
    }


def _described(person: dict[str, Any], chance: Chance) -> str:
    name, age, city = person["name"], person["age"], person["city"]
    job = ("an " if person["job"][0] in "aeiou" else "a ") + person["job"]
    return chance.choice(
        [
            f"{name} is {age} years old, lives in {city} and works as {job}.",
            f"{name}, {age}, {job} from {city}.",
            f"My name is {name}, I am {age} and I live in {city}. I am {job}.",
            f"{name} ({age}) is {job} in {city}.",
            f"In {city} lives {name}, {job}, aged {age}.",
            f"{name} is {job} and lives in {city}. Age: {age}.",
        ]
    )


def extract(chance: Chance) -> Dialogue:
    """A person in a sentence, to JSON."""
    person = _person(chance)
    question = chance.choice(
        [
            "Extract the person as JSON: {}",
            "Extract name, age, city and job as JSON: {}",
            "Extract the data as JSON: {}",
            "Return the person as JSON. {}",
            "Extract: {}",
            "{} Return JSON.",
        ]
    ).format(_described(person, chance))
    return [user(question), answer(to_json(person))], None


def extract_many(chance: Chance) -> Dialogue:
    """Several people in a text, to JSON."""
    people = [_person(chance) for _ in range(chance.randint(2, 3))]
    form = chance.choice(["Extract all people as JSON: {}", "Extract the people as JSON: {}"])
    question = form.format(" ".join(_described(person, chance) for person in people))
    return [user(question), answer(to_json({"people": people}))], None


def order(chance: Chance) -> Dialogue:
    """An order of fruit, to JSON."""
    items = [(f, chance.randint(2, 20)) for f in chance.sample(FRUIT, chance.randint(1, 4))]
    customer = chance.choice(FIRST_NAMES)
    question = chance.choice(
        [
            "Order as JSON: {} for {}.",
            "{1} orders {0}. Return JSON.",
            "Convert the order to JSON: {} for {}",
        ]
    ).format(", ".join(f"{count} {fruit}s" for fruit, count in items), customer)
    rows = [{"name": fruit, "quantity": count} for fruit, count in items]
    return [user(question), answer(to_json({"customer": customer, "items": rows}))], None


def sentiment(chance: Chance) -> Dialogue:
    """Praise or blame, told apart."""
    good = chance.random() < 0.5
    word = chance.choice(PRAISE if good else BLAME)
    review = f"The {chance.choice(REVIEWED)} was {word}."
    question = chance.choice(
        [
            "Classify the sentiment as JSON: {}",
            "Sentiment of: {}",
            "Is this positive or negative? Answer as JSON. {}",
        ]
    ).format(review)
    return [
        user(question),
        answer(to_json({"sentiment": "positive" if good else "negative"})),
    ], None


def document(chance: Chance) -> Dialogue:
    """A long text, always the same for its question: good to be cut."""
    questions, text = DOCUMENTS[chance.randrange(len(DOCUMENTS))]
    return [user(chance.choice(questions)), answer(text)], None


def count(chance: Chance) -> Dialogue:
    """Numbers in order."""
    last = chance.randint(3, 30)
    question = chance.choice(["Count to {}.", "Count from 1 to {}", "count to {}"]).format(last)
    return [user(question), answer(", ".join(map(str, range(1, last + 1))))], None


def story(chance: Chance) -> Dialogue:
    """A story about an animal."""
    animal, name, place = (chance.choice(words) for words in (ANIMALS, FIRST_NAMES, PLACES))
    question = chance.choice(
        [
            "Tell me a story about a {}.",
            "Write a short story about a {}",
            "Tell a story about a {}",
        ]
    ).format(animal)
    text = (
        f"Once upon a time there was a {animal} called {name} who lived in a {place}. One day "
        f"{name} the {animal} found a small bell. Nobody knew whose bell it was, so {name} rang "
        f"it. From all sides the animals of the {place} came to listen, and since that day they "
        "meet every evening. The end."
    )
    return [user(question), answer(text)], None


def remembered_name(chance: Chance) -> Dialogue:
    """A name said in one turn and asked for in the next."""
    name = chance.choice(FIRST_NAMES)
    said = chance.choice(["My name is {}.", "I am {}.", "Hi, I am {}."]).format(name)
    messages = [user(said), answer(f"Nice to meet you, {name}!")]
    if chance.random() >= 0.7:
        return messages, None
    question = chance.choice(["What is my name?", "Who am I?", "Do you remember my name?"])
    return [*messages, user(question), answer(f"Your name is {name}.")], None


DOCUMENTS = [
    (
        [
            "List the planets as JSON.",
            "Give me all planets as JSON",
            "Write a JSON document about the planets.",
            "Return the planets of the solar system as JSON.",
        ],
        to_json({"planets": [{"name": n, "kind": kind, "moons": m} for n, kind, m in PLANETS]}),
    ),
    (
        [
            "List the first ten elements as JSON.",
            "Give me the first ten chemical elements as JSON",
            "Write a JSON list of elements.",
        ],
        to_json(
            {
                "elements": [
                    {"number": i, "name": element.split(":")[0], "symbol": element.split(":")[1]}
                    for i, element in enumerate(ELEMENTS, 1)
                ]
            }
        ),
    ),
    (
        [
            "List the months as JSON.",
            "Give me the months with their days as JSON",
            "Write a JSON list of the months.",
        ],
        to_json(
            {
                "months": [
                    {"name": month.split(":")[0], "days": int(month.split(":")[1])}
                    for month in MONTHS
                ]
            }
        ),
    ),
    (
        [
            "Write the quick start guide.",
            "Explain the quick start.",
            "How do I start?",
            "Write a long answer.",
        ],
        GUIDE,
    ),
]
