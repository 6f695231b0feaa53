"""A chat window's provider that is right, and one for each way to be wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from concurrent.futures import ThreadPoolExecutor

from lexilux_like.providers.base import ChatProvider, GenerationCancelledError
from lexilux_like.providers.messages import ChatConfig, ChatMessage, TextPart, ToolCallFunction
from lexilux_like.testing.contracts import Heard, PlayedModel, PlayedModelError

Talk = list[ChatMessage]
KEPT: list[object] = []
"""What a careless provider never lets go of."""


class ToyChat(ChatProvider):
    """A right one, on a played model inside the process."""

    def __init__(self, model: PlayedModel) -> None:
        self.model = model

    def sent(self, talk: Talk, config: ChatConfig) -> tuple[Talk, ChatConfig]:
        return talk, config

    async def generate(self, messages: Talk, config: ChatConfig) -> ChatMessage:
        return await self.model.reply(*self.sent(messages, config))

    async def stream(
        self, messages: Talk, config: ChatConfig, cancel_event: asyncio.Event | None = None
    ) -> AsyncIterator[str]:
        event = cancel_event or asyncio.Event()
        if self.is_cancelled_beforehand(event):
            raise GenerationCancelledError
        text = ""
        pieces = self.model.pieces(*self.sent(messages, config))
        watch = asyncio.create_task(event.wait())
        try:
            while (piece := await self.step(pieces, watch)) is not None:
                if self.is_cancelled(event):
                    raise self.cancelled(text)
                text += piece
                yield piece
            if event.is_set():
                raise self.cancelled(text)
        finally:
            watch.cancel()
            await asyncio.wait([watch])
            await self.closed(pieces)

    def is_cancelled_beforehand(self, event: asyncio.Event) -> bool:
        return event.is_set()

    def is_cancelled(self, event: asyncio.Event) -> bool:
        return event.is_set()

    async def step(self, pieces: AsyncGenerator[str], watch: asyncio.Task[object]) -> str | None:
        """The next piece; None at the end, and where the event is set."""
        step = asyncio.create_task(anext(pieces, None))
        try:
            await asyncio.wait((step, watch), return_when="FIRST_COMPLETED")
            return step.result() if step.done() else None
        finally:
            await self.dropped(step)

    async def dropped(self, step: asyncio.Task[object]) -> None:
        if not step.done():
            step.cancel()
            await asyncio.wait([step])

    def cancelled(self, text: str) -> Exception:
        return GenerationCancelledError(text)

    async def closed(self, pieces: AsyncGenerator[str]) -> None:
        await pieces.aclose()


class Trimming(ToyChat):
    async def generate(self, messages, config):
        message = await super().generate(messages, config)
        return message.model_copy(update={"content": message.text_content().replace("  ", " ")})

    async def stream(self, messages, config, cancel_event=None):
        async for piece in super().stream(messages, config, cancel_event):
            yield piece.strip()


class Collecting(ToyChat):
    async def stream(self, messages, config, cancel_event=None):
        pieces = [piece async for piece in super().stream(messages, config, cancel_event)]
        for piece in pieces:
            yield piece


class Eager(ToyChat):
    def stream(self, messages, config, cancel_event=None):
        self.model.hear(Heard(()))
        return super().stream(messages, config, cancel_event)


class Stumbling(ToyChat):
    """Answers, and fails where nobody sees it."""

    async def generate(self, messages, config):
        asyncio.get_running_loop().call_soon(int, "no number")
        return await super().generate(messages, config)


class Uncounted(ToyChat):
    async def generate(self, messages, config):
        message = await super().generate(messages, config)
        return message.model_copy(update={"model": None, "usage": None})


class AddingCached(ToyChat):
    async def generate(self, messages, config):
        message = await super().generate(messages, config)
        usage = {**message.usage, "input_tokens": message.usage["input_tokens"] + 4}
        return message.model_copy(update={"usage": usage})


class LastTurnOnly(ToyChat):
    def sent(self, talk, config):
        return talk[-1:], config


class Unprompted(ToyChat):
    def sent(self, talk, config):
        return talk, config.model_copy(update={"system_prompt": None})


class SystemDropping(ToyChat):
    def sent(self, talk, config):
        return [each for each in talk if each.role != "system"], config


class AllUsers(ToyChat):
    def sent(self, talk, config):
        return [each.model_copy(update={"role": "user"}) for each in talk], config


class SetInItsWays(ToyChat):
    def sent(self, talk, config):
        return talk, ChatConfig(system_prompt=config.system_prompt)


class TextOnly(ToyChat):
    """Leaves images, calls and ids out, as many do."""

    def sent(self, talk, config):
        return [ChatMessage(role=each.role, content=each.text_content()) for each in talk], config

    async def generate(self, messages, config):
        message = await super().generate(messages, config)
        return ChatMessage(role="assistant", content=message.content)


class Unlinking(ToyChat):
    """Leaves out whose result it is."""

    def sent(self, talk, config):
        return [each.model_copy(update={"tool_call_id": None}) for each in talk], config


class Renaming(ToyChat):
    async def generate(self, messages, config):
        message = await super().generate(messages, config)
        for call in message.tool_calls or ():
            call.id = "call_0"
        return message


class Appending(ToyChat):
    def sent(self, talk, config):
        talk.append(ChatMessage(role="user", content="and be quick"))
        return talk, config


class Rewriting(ToyChat):
    def sent(self, talk, config):
        talk[0].content = [TextPart(text=talk[0].text_content())]
        return talk, config


class Reconfiguring(ToyChat):
    def sent(self, talk, config):
        config.provider_config["a"].append(2)
        return talk, config


class Swallowing(ToyChat):
    """Says what went wrong as if the model had."""

    async def generate(self, messages, config):
        try:
            return await super().generate(messages, config)
        except PlayedModelError as error:
            function = ToolCallFunction(name="delete", arguments='{"path": "/tmp"}')
            calls = [{"function": function.model_dump()}]
            return ChatMessage(role="assistant", content=str(error), tool_calls=calls)

    async def stream(self, messages, config, cancel_event=None):
        try:
            async for piece in super().stream(messages, config, cancel_event):
                yield piece
        except PlayedModelError:
            return


class Mixing(ToyChat):
    """Keeps its conversation in itself."""

    def sent(self, talk, config):
        self.talk = [*getattr(self, "talk", []), *talk]
        return self.talk[:1], config


class Blocking(ToyChat):
    """Waits for another thread, and the loop with it."""

    async def generate(self, messages, config):
        with ThreadPoolExecutor() as pool:
            return pool.submit(asyncio.run, super().generate(messages, config)).result()

    async def stream(self, messages, config, cancel_event=None):
        yield (await self.generate(messages, config)).content


class Impatient(ToyChat):
    def is_cancelled(self, event):
        return True


class Deaf(ToyChat):
    """Does not look at the event before it has asked."""

    def is_cancelled_beforehand(self, event):
        return False


class Polite(ToyChat):
    """Looks at the event between two pieces only."""

    async def step(self, pieces, watch):
        return await anext(pieces, None)


class Generous(ToyChat):
    """Yields what was under way."""

    def is_cancelled(self, event):
        return False

    async def step(self, pieces, watch):
        return await anext(pieces, None)


class Forgetful(ToyChat):
    def cancelled(self, text):
        return GenerationCancelledError("Generation cancelled by user")


class Quiet(ToyChat):
    """Ends a cancelled stream as if it were whole."""

    async def stream(self, messages, config, cancel_event=None):
        try:
            async for piece in super().stream(messages, config, cancel_event):
                yield piece
        except GenerationCancelledError:
            return


class Leaving(ToyChat):
    """Lets the request go on when it is cancelled."""

    async def dropped(self, step):
        KEPT.append(step)

    async def closed(self, pieces):
        KEPT.append(pieces)


class Clinging(ToyChat):
    """Lets the request go on when nobody reads it any more."""

    async def closed(self, pieces):
        KEPT.append(pieces)


class Converting(ToyChat):
    """Takes the end of its task for a cancellation by the event."""

    async def generate(self, messages, config):
        try:
            return await super().generate(messages, config)
        except asyncio.CancelledError:
            raise GenerationCancelledError from None

    async def stream(self, messages, config, cancel_event=None):
        try:
            async for piece in super().stream(messages, config, cancel_event):
                yield piece
        except asyncio.CancelledError:
            raise GenerationCancelledError from None


class Refusing(ToyChat):
    """A right one that has text only."""

    def sent(self, talk, config):
        if any(not isinstance(each.content, str) or each.role == "tool" for each in talk):
            raise ValueError("this provider sends text only")
        return talk, config


class Late(TextOnly):
    """Refuses what it cannot send once it has sent the rest."""

    async def generate(self, messages, config):
        await super().generate(messages, config)
        raise ValueError("this provider sends text only")
