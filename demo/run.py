"""The main job against a real engine on this machine: no key, no account, no download.

Starts llama.cpp with a tiny model, asks it, streams from it, shows a truncated answer and how it
is made whole, and a tool call, and stops it. The exit code is 0 only when everything went as the
output says.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from lexilux_like import Chat, ChatHistory, ChatResult, LexiluxError, execute_tool_calls
from lexilux_like.testing.engine import EngineError, LlamaServer, literal_grammar
from lexilux_like.testing.tiny_gguf import write_random_model

MODEL = Path(__file__).with_name("tiny-demo-Q4_0.gguf")


class DemoError(Exception):
    """Something did not go as it should; the message says what."""


class Demo:
    """Each method shows one thing, and fails loudly when it is not as shown.

    Args:
        chat: Asks the engine.
        scripted: The model has random weights: a grammar tells it what to say.
    """

    def __init__(self, chat: Chat, *, scripted: bool) -> None:
        self.chat = chat
        self.scripted = scripted

    def call(self) -> None:
        """A question, and the answer."""
        heading("chat(...): a call", prompt := "What is the capital of France?")
        expected = "The capital of France is Paris."
        result = self.chat(prompt, temperature=0, max_tokens=100, extra=self._script(expected))
        print(f"  {result.text}")
        verdict(result, "complete")
        expect(result.text == expected, f"the answer should be {expected!r}")

    def stream(self) -> None:
        """An explanation, printed as it comes."""
        heading("chat.stream(...): text as it comes", prompt := "What is streaming?")
        script = self._script("Once upon a time there was a model whose weights were random.")
        print("  ", end="")
        chunks = 0
        with self.chat.stream(prompt, temperature=0, max_tokens=200, extra=script) as stream:
            for chunk in stream:
                print(chunk.delta, end="", flush=True)
                chunks += bool(chunk.delta)
        print()
        verdict(stream.result, "complete")
        expect(chunks > 1, "the text should come in pieces")

    def truncation(self) -> None:
        """An answer that a token limit cuts off, reported as cut off."""
        heading("a token limit: cut off, and reported so", prompt := "Write the quick start guide.")
        script = self._script("The quick start has four steps, and this text has many more words.")
        result = self.chat(prompt, temperature=0, max_tokens=20, extra=script)
        print(f"  {result.text}")
        verdict(result, "truncated")
        expect(result.finish_reason == "length", "the finish reason should be 'length'")
        expect(not result.complete, "a part should not be called complete")

    def whole(self) -> None:
        """The same limit, and the whole answer all the same: continued and joined exactly."""
        heading(
            "chat.complete(...): continued until it is whole",
            prompt := "Write the quick start guide.",
        )
        script = self._script("The quick start has four steps, and this text has many more words.")
        result = self.chat.complete(
            prompt, temperature=0, max_tokens=20, max_continues=20, extra=script
        )
        print(f"  {result.text}")
        print(f"  {len(result.segments)} requests, joined to the letter")
        verdict(result, "complete")
        unbroken = self.chat(prompt, temperature=0, max_tokens=300, extra=script)
        expect(result.text == unbroken.text, "the joined answer should be the unbroken one")

    def tools(self) -> None:
        """A tool call, its result, and the answer that the model makes of it."""
        heading(
            "a tool call, and the answer from its result", prompt := "What is the weather in Oslo?"
        )
        history = ChatHistory(prompt)
        asked = self.chat([], history=history, temperature=0, max_tokens=100, tools=[get_weather])
        for call in asked.tool_calls:
            print(f"  the model calls {call.name}({call.arguments})")
        verdict(asked, "tool_calls")
        history.append_result(asked)
        for message in execute_tool_calls(asked, [get_weather]):
            print(f"  the tool says {message['content']}")
            history.add_message(message)
        told = self.chat([], history=history, temperature=0, max_tokens=100, tools=[get_weather])
        print(f"  {told.text}")
        verdict(told, "complete")
        expect("21" in told.text, "the answer should name the temperature that the tool gave")

    def _script(self, text: str) -> dict[str, str]:
        return {"grammar": literal_grammar(text)} if self.scripted else {}


def get_weather(city: str) -> str:
    """Get the weather for a city."""
    return json.dumps({"city": city, "temperature": 21, "sky": "sunny"})


def heading(title: str, prompt: str) -> None:
    """Say what comes, and what is asked."""
    print(f"\n{title}\n  > {prompt}")


def verdict(result: ChatResult, status: str) -> None:
    """Print what the library says about the answer, and hold it to `status`."""
    facts = [f"status {result.status!r}", f"finish_reason {result.finish_reason!r}"]
    if result.timing.first_content_s is not None:
        facts.append(f"first content after {result.timing.first_content_s * 1000:.0f} ms")
    if result.usage.output_tokens and result.timing.total_s:
        rate = result.usage.output_tokens / result.timing.total_s
        facts.append(f"{result.usage.output_tokens} tokens, {rate:.0f} per second")
    print(f"  [{', '.join(facts)}]")
    expect(result.status == status, f"the status should be {status!r}")


def expect(holds: object, claim: str) -> None:
    """Fail unless the claim holds.

    Raises:
        DemoError: It does not.
    """
    if not holds:
        raise DemoError(claim)


def run(model: Path, *, scripted: bool) -> None:
    """Start the engine, show everything, stop the engine."""
    began = time.monotonic()
    with LlamaServer(model, alias=model.stem, context=2048) as engine:
        print(f"llama.cpp is ready after {time.monotonic() - began:.1f} s at {engine.url}")
        with Chat(base_url=engine.url, model=model.stem, proxies={}) as chat:
            demo = Demo(chat, scripted=scripted)
            demo.call()
            demo.stream()
            demo.truncation()
            demo.whole()
            if scripted:
                print("\nNo tool call: random weights call no tools.")
            else:
                demo.tools()
    print("\nllama.cpp is stopped. Everything went as it should.")


def main() -> int:
    """Run the demo; returns the exit code."""
    if find_spec("xllamacpp") is None:
        print("The demo needs llama.cpp: pip install -e '.[demo]'", file=sys.stderr)
        return 1
    try:
        if MODEL.exists():
            size = MODEL.stat().st_size / 1e6
            print(f"A real engine with a model of {size:.1f} MB, trained by this project itself.")
            run(MODEL, scripted=False)
            return 0
        with tempfile.TemporaryDirectory() as folder:
            print(f"{MODEL.name} is not there: a model with random weights takes its place,")
            print("and a grammar tells it what to say. The engine and the client are real.")
            model = Path(folder) / "tiny-random.gguf"
            write_random_model(model)
            run(model, scripted=True)
    except (DemoError, EngineError, LexiluxError) as error:
        print(f"\nThe demo failed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
