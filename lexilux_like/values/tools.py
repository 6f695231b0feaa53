"""Tools: what the model may call, and which of them it must."""

from __future__ import annotations

import functools
import inspect
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Self, TypeAlias, cast, overload

from .errors import ValidationError
from .functions import Function, Signature, definition, name_of, read_docstring
from .messages import is_mapping
from .results import Json


@dataclass(frozen=True)
class FunctionTool:
    """A function that the model may call; `from_function` makes one from a typed function.

    Calling the tool calls its function, unchecked: a decorated function stays a function.

    Raises:
        ValidationError: The name is empty.
    """

    name: str
    description: str | None = None
    parameters: Mapping[str, Any] | None = field(default=None, hash=False)
    """The JSON schema of the arguments, an object; None: there are none."""
    strict: bool | None = None
    """True: the server keeps the model to the schema; OpenAI then wants every parameter required
    and `additionalProperties` false."""
    function: Function | None = field(default=None, repr=False)
    """What `run` calls; None for a tool that is run elsewhere."""

    def __post_init__(self) -> None:
        if not self.name:
            raise ValidationError("a tool needs a name")

    @classmethod
    def from_function(
        cls,
        function: Function,
        *,
        name: str | None = None,
        description: str | None = None,
        strict: bool | None = None,
    ) -> Self:
        """Read a tool from a function's signature and docstring.

        The schema is pydantic's for the annotated parameters: any type that pydantic knows, by
        annotations that the function's module can resolve. The description is the docstring up to
        its first section; a Google-style `Args:` section describes the parameters that have no
        `Annotated[..., Field(description=...)]`.

        Raises:
            ValidationError: A parameter's type has no JSON schema or cannot be resolved, a
                parameter can be given by position only, or a lambda has no `name`.
        """
        signature = Signature(function)
        schema = signature.schema
        name = name or name_of(function)
        if name == "<lambda>":
            raise ValidationError("a lambda has no name: pass name=")
        summary, about = read_docstring(function)
        for parameter, text in about.items():
            if parameter in schema["properties"]:
                schema["properties"][parameter].setdefault("description", text)
        made = cls(name, description or summary or None, schema, strict, function)
        vars(made)["_signature"] = signature
        return made

    def to_dict(self) -> Json:
        """The tool as it is on the wire, with what is set and nothing else."""
        names = ("name", "description", "parameters", "strict")
        values = {name: getattr(self, name) for name in names}
        return {"type": "function", "function": {k: v for k, v in values.items() if v is not None}}

    def run(self, arguments: str | Mapping[str, Any]) -> Any:
        """Check the arguments against the function's signature, and call it.

        Args:
            arguments: JSON text as the model wrote it (empty for no arguments), or a mapping.

        Raises:
            ValidationError: The arguments do not fit, there is no function, or it is async.
        """
        self.require_function(awaits=False)
        return self.bind(arguments)()

    async def arun(self, arguments: str | Mapping[str, Any]) -> Any:
        """`run`, async. A function that is not async runs at once, so it blocks the event loop."""
        value = self.bind(arguments)()
        return await value if inspect.isawaitable(value) else value

    def bind(self, arguments: str | Mapping[str, Any]) -> functools.partial[Any]:
        """Check the arguments against the function's signature; returns the call, not yet made.

        Args:
            arguments: As for `run`.

        Raises:
            ValidationError: They do not fit, or there is no function.
        """
        args, kwargs = self._signature.bind(arguments)
        return functools.partial(self.require_function(awaits=True), *args, **kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function itself, with the arguments as they are."""
        return self.require_function(awaits=True)(*args, **kwargs)

    @functools.cached_property
    def _signature(self) -> Signature:
        return Signature(self.require_function(awaits=True))

    @property
    def is_async(self) -> bool:
        """Whether there is a function, and it is a coroutine function."""
        return self.function is not None and inspect.iscoroutinefunction(definition(self.function))

    def require_function(self, *, awaits: bool) -> Function:
        """The function.

        Raises:
            ValidationError: There is none, or it is async and the caller does not await.
        """
        if self.function is None:
            raise ValidationError(f"tool {self.name!r} has no function to run")
        if not awaits and self.is_async:
            raise ValidationError(f"tool {self.name!r} is async: use arun or aexecute_tool_calls")
        return self.function


Tool = FunctionTool
ToolLike: TypeAlias = FunctionTool | Function | Mapping[str, Any]
"""A `Tool`, a typed function (read anew for each call; `@tool` reads it once), or a dict as on the
wire."""


@overload
def tool(function: Function, /) -> FunctionTool: ...


@overload
def tool(
    *, name: str | None = None, description: str | None = None, strict: bool | None = None
) -> Callable[[Function], FunctionTool]: ...


def tool(
    function: Function | None = None, /, **options: Any
) -> FunctionTool | Callable[[Function], FunctionTool]:
    """Decorator: `@tool` or `@tool(name=..., ...)` makes a function a `Tool`.

    Raises:
        ValidationError: As for `FunctionTool.from_function`.
    """
    if function is None:
        return functools.partial(FunctionTool.from_function, **options)
    return FunctionTool.from_function(function, **options)


def encode_tools(tools: Iterable[ToolLike]) -> list[Json]:
    """The tools as they are on the wire.

    Raises:
        ValidationError: One is no tool, a function cannot be made one, or a name comes twice.
    """
    encoded = [_encode(each) for each in tools]
    for name, uses in Counter(tool_names(encoded)).items():
        if uses > 1:
            raise ValidationError(f"{uses} tools have the name {name!r}")
    return encoded


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """Whether the model may, must or must not call tools, or which one it must call.

    Raises:
        ValidationError: The type is not known, or `"function"` without a name or the reverse.
    """

    type: Literal["auto", "none", "required", "function"] = "auto"
    name: str | None = None
    """Of the function, for the type `"function"` only."""

    def __post_init__(self) -> None:
        known = self.type in ("auto", "none", "required", "function")
        if not known or (self.type == "function") != bool(self.name):
            raise ValidationError(f"{self!r}: use ToolChoice.auto(), none(), required() or tool()")

    @classmethod
    def auto(cls) -> Self:
        """The model decides."""
        return cls("auto")

    @classmethod
    def none(cls) -> Self:
        """It must not call any."""
        return cls("none")

    @classmethod
    def required(cls) -> Self:
        """It must call at least one."""
        return cls("required")

    @classmethod
    def tool(cls, name: str) -> Self:
        """It must call this one."""
        return cls("function", name)

    def to_wire(self) -> str | Json:
        """The choice as it is in the payload."""
        if self.type == "function":
            return {"type": "function", "function": {"name": self.name}}
        return self.type


_WORDS: Final[Mapping[str, ToolChoice]] = {
    "auto": ToolChoice.auto(),
    "none": ToolChoice.none(),
    "required": ToolChoice.required(),
}
ToolChoiceLike: TypeAlias = str | ToolChoice | Mapping[str, Any]
"""`"auto"`, `"none"`, `"required"`, a tool's name, a `ToolChoice`, or a dict as on the wire."""


def encode_tool_choice(
    choice: ToolChoiceLike, tools: Iterable[ToolLike] | None = None
) -> str | Json:
    """The choice as it is on the wire; a dict is not looked into.

    Args:
        choice: What the model may or must call.
        tools: The tools of the call; without any, a name is not checked.

    Raises:
        ValidationError: It names a tool that is not among `tools`.
    """
    if isinstance(choice, Mapping):
        return dict(choice)
    if isinstance(choice, str):
        choice = _WORDS.get(choice) or ToolChoice.tool(choice)
    known = tool_names(tools or ())
    if choice.name and known and choice.name not in known:
        raise ValidationError(f"tool_choice {choice.name!r} is none of the tools: {known}")
    return choice.to_wire()


def relaxed(choice: ToolChoiceLike) -> ToolChoiceLike:
    """The choice once tools have run: where the model had to call some, it may now answer."""
    wire = encode_tool_choice(choice)
    if is_mapping(wire) and is_mapping(allowed := wire.get("allowed_tools")):
        return {**wire, "allowed_tools": {**allowed, "mode": "auto"}}
    word = wire.get("type") if is_mapping(wire) else wire
    return choice if word in ("auto", "none") else "auto"


def tools_by_name(tools: Iterable[ToolLike] | Mapping[str, Function]) -> dict[str, FunctionTool]:
    """The tools, each by its name; a dict as on the wire becomes a tool without a function.

    Raises:
        ValidationError: As for `FunctionTool.from_function`.
    """
    if isinstance(tools, Mapping):
        by_name = cast("Mapping[str, Function]", tools)
        return {name: _as_tool(each, name) for name, each in by_name.items()}
    found = [_as_tool(each) for each in tools if _name(each)]
    return {each.name: each for each in found}


def _as_tool(tool: ToolLike, name: str | None = None) -> FunctionTool:
    if isinstance(tool, FunctionTool):
        return tool
    if is_mapping(tool):
        return FunctionTool(_name(tool))
    return FunctionTool.from_function(tool, name=name)


def _encode(tool: ToolLike) -> Json:
    if is_mapping(tool):
        if "type" not in tool:
            raise ValidationError("a tool dict needs a type: {'type': 'function', 'function': ...}")
        return dict(tool)
    return _as_tool(tool).to_dict()


def tool_names(tools: Iterable[ToolLike]) -> list[str]:
    """The names of the tools, without those that have none, such as a provider's own search."""
    return [name for each in tools if (name := _name(each))]


def _name(tool: ToolLike) -> str:
    """The tool's name; empty for a dict that has none, such as a provider's own search."""
    if isinstance(tool, FunctionTool):
        return tool.name
    if not is_mapping(tool):
        return name_of(tool)
    named = tool.get(str(tool.get("type")))
    return str(named.get("name", "")) if is_mapping(named) else ""
