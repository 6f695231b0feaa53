"""The messages and settings of a chat window, as pydantic models that go to JSON and back."""

from __future__ import annotations

import time
import uuid
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field


def _new_message_id() -> str:
    return f"msg_{uuid.uuid4().hex[:12]}"


def _new_call_id() -> str:
    return f"call_{uuid.uuid4().hex[:12]}"


class TextPart(BaseModel):
    """A piece of text."""

    type: Literal["text"] = "text"
    text: str


class ImagePart(BaseModel):
    """An image, base64 inside the message."""

    model_config = ConfigDict(populate_by_name=True)

    type: Literal["image"] = "image"
    data: str
    """Base64, or a whole `data:` URL."""
    mime_type: str = Field(default="image/png", alias="mimeType")


class ResourceLinkPart(BaseModel):
    """A reference to something that is not part of the message."""

    model_config = ConfigDict(populate_by_name=True)

    type: Literal["resource_link"] = "resource_link"
    uri: str
    name: str = ""
    mime_type: str | None = Field(default=None, alias="mimeType")


ContentPart: TypeAlias = Annotated[
    TextPart | ImagePart | ResourceLinkPart, Field(discriminator="type")
]


class ToolCallFunction(BaseModel):
    """Which function is called, and how."""

    name: str
    arguments: str = ""
    """JSON text, as the model wrote it."""


class ToolCall(BaseModel):
    """A function that the model asks for."""

    id: str = Field(default_factory=_new_call_id)
    type: Literal["function"] = "function"
    function: ToolCallFunction


class ChatMessage(BaseModel):
    """One turn of a conversation."""

    role: Literal["user", "assistant", "system", "tool"]
    content: str | list[ContentPart] = ""
    message_id: str = Field(default_factory=_new_message_id)
    timestamp: float = Field(default_factory=time.time)
    """Unix time in seconds."""
    metadata: dict[str, Any] = Field(default_factory=dict)
    """Whatever the application or the provider keeps with it; never sent as it is."""
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    """In a tool's message: which call it answers."""
    model: str | None = None
    """The model that wrote it."""
    usage: dict[str, Any] | None = None
    """Tokens: `input_tokens`, `output_tokens`, and what else the server counted."""
    stopped: bool = False
    """Whether it was ended early, by a cancellation."""

    def text_content(self) -> str:
        """The text, without images and links."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content if isinstance(part, TextPart))


class ChatConfig(BaseModel):
    """How a conversation is answered."""

    system_prompt: str | None = None
    model: str = "gpt-4"
    temperature: float | None = Field(default=0.7, ge=0, le=2)
    """None: the server's own default, for models that take no temperature."""
    max_tokens: int | None = Field(default=4096, ge=1)
    """Most tokens of one request; None: the server's own limit."""
    streaming: bool = True
    """For the application, as are `persist` and `slash_commands`: providers do not read them."""
    persist: bool = False
    slash_commands: list[dict[str, Any]] = Field(default_factory=list[dict[str, Any]])
    provider: str | None = None
    """A name for `get_provider()`."""
    provider_config: dict[str, Any] = Field(default_factory=dict)
    """Its keywords."""
