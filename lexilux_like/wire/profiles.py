"""Providers: what each one can do, as rows of data, found by host or by name."""

from __future__ import annotations

import difflib
import ipaddress
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from ..values.errors import ValidationError
from ..values.options import PrefillForm

SchemaForm = Literal["json_schema", "json_object", "tool", "prompt"]
"""How a JSON schema is sent: enforced by the server, as JSON mode with the schema in the prompt,
as the one tool that the model must call, or in the prompt alone."""


@dataclass(frozen=True, slots=True)
class Prefill:
    """How a server goes on from the beginning of its own answer."""

    form: PrefillForm
    documented: bool = False
    """The provider's documentation promises it on its own host. What is only known from hearsay
    counts after it has been seen to work: gateways drop it, and some models answer afresh."""
    path: str | None = None
    """Where the request goes instead, from the host's root."""
    keeps_constraint: bool = False
    """A JSON schema goes on to hold inside the prefill, in place of starting again."""
    without_reasoning: bool = False
    """Only where reasoning is off."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One provider."""

    name: str
    hosts: tuple[str, ...] = ()
    """Ends of host names, with or without a port."""
    prefill: Prefill | None = None
    """None: not known to have any, so the rest is asked for in a user turn."""
    schema: SchemaForm = "json_schema"


TRAILING = Prefill("trailing")
FLAG = Prefill("continue_final_message")
LLAMA = Prefill("trailing", keeps_constraint=True)
UNKNOWN = Profile("unknown")
LOCAL = Profile("local", prefill=LLAMA)
"""An engine on this machine that nobody has named: most go on from a trailing assistant message,
and whether this one does shows in its answer."""

PROFILES: tuple[Profile, ...] = (
    Profile("openai", ("api.openai.com",)),
    Profile("azure", ("openai.azure.com",)),
    # https://api-docs.deepseek.com/guides/chat_prefix_completion
    Profile(
        "deepseek",
        ("api.deepseek.com",),
        Prefill("prefix", documented=True, path="/beta/chat/completions", without_reasoning=True),
        schema="json_object",
    ),
    # https://platform.moonshot.ai/docs/api/partial
    Profile(
        "moonshot",
        ("api.moonshot.ai", "api.moonshot.cn"),
        Prefill("partial", documented=True, without_reasoning=True),
        schema="json_object",
    ),
    Profile("zai", ("api.z.ai", "open.bigmodel.cn"), schema="json_object"),
    Profile("minimax", ("api.minimax.io", "api.minimaxi.com"), schema="prompt"),
    # https://www.alibabacloud.com/help/en/model-studio/partial-mode
    Profile("qwen", ("aliyuncs.com",), Prefill("partial", documented=True, without_reasoning=True)),
    # https://docs.mistral.ai/capabilities/completion/prefix/; its answer repeats the prefix
    Profile("mistral", ("api.mistral.ai",), Prefill("prefix", documented=True)),
    # https://console.groq.com/docs/prefilling
    Profile("groq", ("api.groq.com",), Prefill("trailing", documented=True)),
    Profile("together", ("api.together.xyz",)),
    Profile("fireworks", ("api.fireworks.ai",)),
    Profile("cerebras", ("api.cerebras.ai",)),
    # What is behind it decides: newer models of Anthropic refuse
    Profile("openrouter", ("openrouter.ai",), TRAILING),
    Profile("xai", ("api.x.ai",)),
    Profile("gemini", ("generativelanguage.googleapis.com",)),
    # response_format is ignored; https://docs.anthropic.com/en/api/openai-sdk
    Profile("anthropic", ("api.anthropic.com",), TRAILING, schema="tool"),
    Profile("perplexity", ("api.perplexity.ai",)),
    Profile("cohere", ("api.cohere.ai", "api.cohere.com")),
    Profile("ollama", ("localhost:11434", "127.0.0.1:11434"), TRAILING),
    # https://docs.vllm.ai: not together with add_generation_prompt
    Profile("vllm", prefill=FLAG),
    Profile("sglang", prefill=FLAG),
    Profile("llama.cpp", prefill=LLAMA),
    Profile("lmstudio", ("localhost:1234", "127.0.0.1:1234"), TRAILING),
    Profile("huggingface", ("router.huggingface.co",)),
    Profile("tgi", prefill=TRAILING),
)
"""Read from public documents and sources; not one of the hosted providers was asked by us."""


def find_profile(base_url: str, name: str | None = None) -> Profile:
    """The row of a provider, by its name or else by the host of `base_url`.

    Raises:
        ValidationError: No provider has that name; the message lists those that are known.
    """
    if name is not None:
        return _named(name)
    place = urlsplit(base_url)
    hosts = (place.hostname or "", place.netloc.rpartition("@")[2])
    for profile in PROFILES:
        for end in profile.hosts:
            if any(host == end or host.endswith(f".{end}") for host in hosts):
                return profile
    return LOCAL if _is_loopback(hosts[0]) else UNKNOWN


def _named(name: str) -> Profile:
    known = {each.name: each for each in PROFILES}
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
    raise ValidationError(f"provider={name!r} is not known; {hint}")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
