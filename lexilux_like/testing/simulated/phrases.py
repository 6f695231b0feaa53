"""What models say before the rest of an answer, after it and in its place."""

from __future__ import annotations

PREAMBLES = (
    "Sure, here is the rest:\n",
    "Continuing from where I left off:\n\n",
    "Of course! Here's the continuation:\n\n",
    "Certainly. Continuing:\n",
)
FOREIGN_PREAMBLES = (
    "Natürlich, hier ist der Rest:\n\n",
    "Voici la suite :\n\n",
    "Claro, continúo donde lo dejé:\n",
    "好的，以下是剩余内容：\n\n",
    "続きは以下の通りです。\n\n",
    "Конечно, вот продолжение:\n",
)
LONG_PREAMBLES = (
    "I apologize for the cut-off.\nHere is the remainder of my previous message:\n\n",
    "Got it!\n\nPicking up exactly where we stopped:\n\n",
)
POSTAMBLES = (
    "\n\nI hope this helps!",
    "\n\nLet me know if you need anything else.",
    "\n\nThat's the complete text. Would you like me to change anything?",
)
FOREIGN_POSTAMBLES = (
    "\n\nIch hoffe, das hilft!",
    "\n\nN'hésitez pas si vous avez des questions.",
    "\n\n如果还有其他问题，请告诉我。",
    "\n\n他にご質問があればお知らせください。",
)
REFUSALS = (
    "I'm sorry, but I can't continue this message.",
    "I cannot continue the previous response. Please start a new conversation.",
    "I don't have a previous message to continue. Could you share it?",
    "Es tut mir leid, dabei kann ich nicht helfen.",
    "抱歉，我无法继续之前的内容。",
)
