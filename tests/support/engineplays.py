"""A played model whose words are spoken by llama.cpp: a grammar lets it say nothing else."""

from __future__ import annotations

import json

import httpx

from lexilux_like.testing import RecordedRequest, Reply, Send
from lexilux_like.testing.contracts import Counted, Heard, PlayedModel, Refuses, Says
from lexilux_like.testing.engine import LlamaServer, literal_grammar


class EnginePlays(PlayedModel):
    """Texts come from the engine as it spells them; what it cannot do is played as ever.

    Its edition of Anthropic's API takes no grammar.
    """

    def __init__(self, engine: LlamaServer) -> None:
        super().__init__()
        self.spoken = 0
        """How many answers were the engine's own."""
        self._client = httpx.Client(base_url=engine.root_url, trust_env=False, timeout=20)

    def hear(self, heard: Heard) -> Says | Refuses:
        self._does = super().hear(heard)
        return self._does

    def _serve(self, request: RecordedRequest) -> Reply:
        played = super()._serve(request)
        does = self._does
        if not request.path.endswith("/chat/completions") or not self.is_plain(does, request.body):
            return played
        body = {**request.json, "grammar": literal_grammar(does.text), "temperature": 0}
        answer = self._client.post(request.path, json=body)
        self.spoken += 1
        kind = answer.headers["content-type"]
        parts = answer.content.split(b"\n\n")
        sent = [Send(part + b"\n\n") for part in parts[:-1]] + [Send(parts[-1])]
        return Reply(answer.status_code, {"content-type": kind}, steps=sent, framing="chunked")

    def is_plain(self, does: Says | Refuses, body: bytes) -> bool:
        if not isinstance(does, Says) or not does.text or does.counted != Counted():
            return False
        if does.calls or does.reasoning or does.ending != "whole":
            return False
        if does.gap_s or len(does.texts) != len(does.pieces):
            return False
        return not any(word in json.dumps(json.loads(body)) for word in ("image", "tool"))

    def close(self) -> None:
        super().close()
        self._client.close()
