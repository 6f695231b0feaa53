"""What the demo model's corpus is made of: names, facts, questions. All of it written for it."""

from __future__ import annotations

CAPITALS = dict(
    pair.split(":")
    for pair in (
        "France:Paris Italy:Rome Norway:Oslo Spain:Madrid Germany:Berlin Portugal:Lisbon "
        "Japan:Tokyo China:Beijing Egypt:Cairo Greece:Athens Austria:Vienna Poland:Warsaw "
        "Sweden:Stockholm Finland:Helsinki Denmark:Copenhagen Ireland:Dublin Canada:Ottawa "
        "Peru:Lima Chile:Santiago Kenya:Nairobi Cuba:Havana India:Delhi Turkey:Ankara Iran:Tehran "
        "Iraq:Baghdad Russia:Moscow Ukraine:Kyiv Hungary:Budapest Belgium:Brussels "
        "Iceland:Reykjavik Vietnam:Hanoi Thailand:Bangkok Nepal:Kathmandu Mongolia:Ulaanbaatar "
        "Morocco:Rabat Croatia:Zagreb Serbia:Belgrade Romania:Bucharest Bulgaria:Sofia "
        "Australia:Canberra"
    ).split()
)
CITIES = list(CAPITALS.values())[:36]
FIRST_NAMES = (
    "Ana Ben Cara David Emma Felix Grace Hugo Ida Jonas Kira Leo Maria Nils Olga Paul Rosa Sam "
    "Tina Uma Viktor Wendy Yara Zoe Ada Alan Lina Omar Mei Kenji Priya Ivan"
).split()
LAST_NAMES = (
    "Lopez Smith Tanaka Weber Rossi Novak Singh Brown Silva Meyer Haddad Jensen Costa Moreau Kim "
    "Okafor Ivanova Berg Duarte Fox"
).split()
FRUIT = "apple pear plum lemon melon banana cherry mango peach grape kiwi orange".split()
JOBS = (
    "nurse baker pilot teacher painter engineer chemist gardener lawyer farmer doctor writer"
).split()
SKIES = "sunny cloudy rainy windy snowy foggy".split()
ANIMALS = "fox owl hare bear crow wolf duck mouse".split()
PLACES = "forest river mountain meadow harbour village".split()
PRAISE = ["great", "lovely", "excellent", "wonderful", "very good"]
BLAME = ["bad", "awful", "terrible", "boring", "very slow"]
REVIEWED = ["film", "food", "book", "hotel", "phone", "service"]
THINGS = (
    "life love rain music bridge car tree snow winter summer garden house computer phone clock art "
    "chess football history space robot train ocean island bread cheese salt gold iron paper "
    "mirror candle horse cat dog bird fish dream memory number letter story money market school "
    "teacher book king queen castle tower road rocket star sand stone fire smoke cloud wind light "
    "shadow"
).split()

PLANETS = [
    ("Mercury", "rock", 0),
    ("Venus", "rock", 0),
    ("Earth", "rock", 1),
    ("Mars", "rock", 2),
    ("Jupiter", "gas", 95),
    ("Saturn", "gas", 146),
    ("Uranus", "ice", 28),
    ("Neptune", "ice", 16),
]
ELEMENTS = (
    "Hydrogen:H Helium:He Lithium:Li Beryllium:Be Boron:B Carbon:C Nitrogen:N Oxygen:O Fluorine:F "
    "Neon:Ne"
).split()
MONTHS = (
    "January:31 February:28 March:31 April:30 May:31 June:30 July:31 August:31 September:30 "
    "October:31 November:30 December:31"
).split()

FACTS = [
    (
        "What is JSON?",
        "JSON is a text format for data. It has objects, arrays, strings, numbers, true, "
        "false and null.",
    ),
    (
        "What is a token?",
        "A token is a small piece of text. A language model reads and writes text one token"
        " at a time.",
    ),
    (
        "What is streaming?",
        "Streaming means that the server sends the answer piece by piece while the model is"
        " still writing it.",
    ),
    (
        "What is HTTP?",
        "HTTP is the protocol that browsers and programs use to request data from web servers.",
    ),
    (
        "What is a language model?",
        "A language model is a program that predicts the next token of a text from the "
        "tokens before it.",
    ),
    (
        "What is Python?",
        "Python is a programming language that is known for its simple and readable syntax.",
    ),
    ("What is an API?", "An API is a set of rules that lets one program talk to another program."),
    (
        "What is the sun?",
        "The sun is a star. It is a hot ball of gas that gives light and heat to the Earth.",
    ),
    (
        "What is the moon?",
        "The moon is a rocky body that travels around the Earth about once a month.",
    ),
    (
        "What is water?",
        "Water is a liquid made of hydrogen and oxygen. It freezes at 0 degrees and boils "
        "at 100 degrees Celsius.",
    ),
    (
        "Why is the sky blue?",
        "The sky is blue because air scatters blue light from the sun more than red light.",
    ),
    ("How many days are in a year?", "A year has 365 days. A leap year has 366 days."),
    ("How many legs does a spider have?", "A spider has eight legs."),
    (
        "What is a prime number?",
        "A prime number is a whole number greater than one that is divided only by one and "
        "by itself.",
    ),
    ("What color is grass?", "Grass is usually green because it contains chlorophyll."),
    (
        "Who are you?",
        "I am a very small demo model. I was trained on a CPU in a few minutes, so I only "
        "know a handful of things.",
    ),
    (
        "What can you do?",
        "I can answer simple questions, add numbers, call tools, and write small JSON "
        "documents. I am only a demo.",
    ),
    ("How big are you?", "I have about two million weights. Large models have billions of them."),
    (
        "Are you a real model?",
        "Yes. I am a real language model, but a very small one, served by llama.cpp on your"
        " own machine.",
    ),
    (
        "What is a retry?",
        "A retry is a second attempt at a request that failed, usually after a short wait.",
    ),
    (
        "What is a timeout?",
        "A timeout is a limit on how long a program waits for an answer before it gives up.",
    ),
    (
        "What is a schema?",
        "A schema describes the shape of a document: which fields it has and which types "
        "they have.",
    ),
    (
        "What is finish_reason?",
        "It tells why the model stopped: stop means it was done, length means it ran out of"
        " tokens.",
    ),
    ("What is the opposite of hot?", "The opposite of hot is cold."),
    ("What do bees make?", "Bees make honey from the nectar of flowers."),
    ("What is bread made of?", "Bread is made of flour, water, salt and yeast."),
    ("How are you?", "I am fine, thank you. How can I help you?"),
    ("Thank you!", "You are welcome! Is there anything else you would like to know?"),
    ("Goodbye", "Goodbye! Come back any time."),
]
GREETINGS = [
    "Hello",
    "Hi",
    "Hello!",
    "Hi there",
    "Hey",
    "Good morning",
    "hello",
    "hi",
    "Say hello",
    "Say hi",
]
GUIDE = (
    "The quick start has four steps. First, install the package with pip. Second, create a "
    "client with a base URL and a model name. Third, call the client with a prompt and read the"
    " text of the result. Fourth, look at the finish reason: if it is length, the answer was "
    "cut, and the client can ask the model to continue until the document is complete. That is "
    "all you need to know to begin."
)
CONTINUE = [
    "continue",
    "Continue",
    "Please continue",
    "Please continue.",
    "Go on",
    "Continue exactly where you left off.",
    "Please continue from where you left off.",
    "Continue from where you stopped.",
    "Continue. Do not repeat anything.",
    "Continue the JSON exactly where it stopped, output only the rest.",
    "Your previous answer was cut off. Continue exactly where it stopped "
    "without repeating anything.",
]
UNKNOWN = [
    "What is the meaning of {}?",
    "Who invented the {}?",
    "Write a haiku about {}",
    "Write a poem about {}.",
    "How do I fix a {}?",
    "Translate {} into French",
    "Why is {} important?",
    "Where can I buy a {}?",
    "When was the {} built?",
    "Explain {} to a child",
    "Tell me a joke about {}",
    "Is {} better than {}?",
    "What do you think about {}?",
    "Summarize the history of {}",
    "Give me a recipe with {}",
    "How far is {}?",
    "Can you draw a {}?",
    "Write Python code for {}",
    "Compare {} with {}",
]
SYSTEM_PROMPTS = [
    "You are a helpful assistant.",
    "You are a concise assistant.",
    "Answer briefly.",
    "Answer with JSON only.",
]
