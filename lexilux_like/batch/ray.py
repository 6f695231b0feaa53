"""The same job on Ray Data: a stage for `Dataset.map_batches`, and that stage in one call.

Needs `pip install "lexilux_like[ray]"`.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from os import PathLike
from pathlib import Path
from typing import Any, Protocol, Unpack, cast

from .._keywords import spelled_out
from ..values.errors import ValidationError
from ..values.messages import is_mapping, is_sequence
from ..values.options import CallOptions, ContinueOptions, check_options
from .batches import AsyncBatch
from .folder import FolderJournal
from .options import AskOptions, AsyncItems, MapOptions, Plan, planned
from .outcomes import Outcome

__all__ = ["COLUMNS", "ChatStage", "StageOptions", "map_dataset"]

COLUMNS: Mapping[str, str] = {
    "text": "string",
    "status": "string",
    "error": "string",
    "reasoning": "string",
    "tool_calls": "string",
    "model": "string",
    "input_tokens": "int64",
    "output_tokens": "int64",
    "cost": "decimal128",
    "resumed": "bool_",
}
"""The columns that every row is given, with their types in pyarrow."""

PLACES = 12
"""Digits of a cost after its point; before it there are as many."""


class Client(Protocol):
    """What a stage knows of a `Chat`."""

    model: str | None

    def amap(self, items: AsyncItems, **options: Unpack[MapOptions]) -> AsyncBatch:
        """Ask many."""
        ...

    async def aclose(self) -> None:
        """Let go of the connections."""


class StageOptions(CallOptions, ContinueOptions, AskOptions, total=False):
    """What a stage takes: the options of `chat.map()` as far as they make sense on Ray.

    `concurrency` is that of each actor. `column` is `"prompt"` unless it or `template` is given;
    in it may also stand lists of messages.
    """

    journals: str | PathLike[str] | None
    """A folder that all actors reach: each keeps its outcomes in a file of its own there, and a
    later run takes from all files what is answered already. Rows that are equal, with the same
    `id`, have one answer."""
    prefix: str
    """What the names of the new columns begin with, where a row has columns of these names."""


class ChatStage:
    """A callable class for `Dataset.map_batches(ChatStage, batch_format="pyarrow", ...)`.

    All batches of an actor flow through one `chat.amap`, so `concurrency` requests are in flight as
    long as Ray brings rows. A row that fails has its error in a column; the job fails only by
    `BatchStoppedError`, where row after row fails alike, and by options that are not valid.

    Args:
        chat: Makes the client, in each actor: a `Chat` has a key, and does not travel. Where it
            calls `Chat.for_provider`, the key comes from the actor's own environment.
        **options: See `StageOptions`.

    Raises:
        ValidationError: An option is not valid.
    """

    @spelled_out
    def __init__(self, chat: Callable[[], Client], **options: Unpack[StageOptions]) -> None:
        _check(options)
        folder = options.get("journals")
        self._prefix = options.get("prefix", "")
        self._column = _column(options)
        self._journal = None if folder is None else FolderJournal(Path(folder))
        self._chat = chat()
        self._rows: asyncio.Queue[Any] = asyncio.Queue()
        self._asked = 0
        self._waiting: dict[int, asyncio.Future[Outcome]] = {}
        self._failure: BaseException | None = None
        self._reader: asyncio.Task[None] | None = None
        self._batch = self._chat.amap(self._fed(), **_mapped(options, self._journal))
        self._loop = asyncio.new_event_loop()  # Ray's own is blocked while the next stage is slow
        self._thread = threading.Thread(target=self._run, name="lexilux_like-ray", daemon=True)
        self._thread.start()

    async def __call__(self, batch: Any) -> Any:
        """The batch, a `pyarrow.Table`, with the new columns; its rows stay in their order.

        Raises:
            ValidationError: The batch has no column of the prompt, one by the name of a new column,
                or another format.
            BatchStoppedError: Row after row failed alike.
        """
        rows = self._items(batch)
        asking = asyncio.run_coroutine_threadsafe(self._ask(rows), self._loop)
        outcomes = await asyncio.wrap_future(asking)
        return self._answered(batch, outcomes)

    def close(self) -> None:
        """Give up what is not answered, and close the journal and the client. Safe to call twice.

        Ray needs no call: what is answered is in the journal at once.
        """
        if not self._loop.is_closed():
            asyncio.run_coroutine_threadsafe(self._aclose(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def _run(self) -> None:
        self._loop.run_forever()
        self._loop.close()

    async def _aclose(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.wait([self._reader])
        await self._batch.aclose()
        await self._chat.aclose()
        if self._journal is not None:
            self._journal.close()

    async def _fed(self) -> AsyncIterator[Any]:
        while True:
            yield await self._rows.get()

    async def _ask(self, rows: Sequence[Any]) -> list[Outcome]:
        if self._failure is not None:
            raise self._failure
        if self._reader is None:
            self._reader = asyncio.create_task(self._read())
        waits = [self._put(row) for row in rows]
        return await asyncio.gather(*waits)

    def _put(self, row: Any) -> asyncio.Future[Outcome]:
        wait = self._waiting[self._asked] = self._loop.create_future()
        self._asked += 1
        self._rows.put_nowait(row)
        return wait

    async def _read(self) -> None:
        """Hand out outcomes to the batches that wait for them."""
        try:
            async for outcome in self._batch:
                wait = self._waiting.pop(outcome.index)
                if not wait.done():  # a task that Ray gave up
                    wait.set_result(outcome)
        except Exception as error:  # noqa: BLE001 - raised by whoever waits
            self._failure = error
            for wait in self._waiting.values():
                if not wait.done():
                    wait.set_exception(error)
            self._waiting.clear()

    def _items(self, batch: Any) -> list[Any]:
        """The rows that are asked, with the columns that count."""
        if not hasattr(batch, "to_pylist"):
            raise ValidationError(
                f"a batch must be a pyarrow.Table, not {type(batch).__name__}: pass"
                " batch_format='pyarrow' to map_batches"
            )
        names: list[str] = batch.column_names
        if taken := [name for name in self._new if name in names]:
            raise ValidationError(
                f"the rows already have {', '.join(map(repr, taken))}: pass prefix='answer_'"
            )
        if self._column is None:
            return cast("list[Any]", batch.to_pylist())
        if self._column not in names:
            raise ValidationError(
                f"there is no column {self._column!r}, only {', '.join(map(repr, names))}: pass"
                " column= or template="
            )
        wanted = [name for name in names if name in (self._column, "id", "custom_id")]
        return [_without_nulls(row) for row in batch.select(wanted).to_pylist()]

    @property
    def _new(self) -> list[str]:
        return [self._prefix + name for name in COLUMNS]

    def _answered(self, batch: Any, outcomes: Sequence[Outcome]) -> Any:
        """The batch with the outcomes of its rows."""
        arrow: Any = import_module("pyarrow")
        rows = [_columns(outcome) for outcome in outcomes]
        for name, kind in COLUMNS.items():
            typed = (
                arrow.decimal128(2 * PLACES, PLACES) if name == "cost" else getattr(arrow, kind)()
            )
            column = arrow.array([row[name] for row in rows], typed)
            batch = batch.append_column(self._prefix + name, column)
        return batch


@spelled_out
def map_dataset(
    dataset: Any,
    chat: Callable[[], Client],
    *,
    actors: int = 1,
    ray_options: Mapping[str, Any] | None = None,
    **options: Unpack[StageOptions],
) -> Any:
    """Ask every row of a Ray dataset; returns a dataset with the columns of `COLUMNS` more.

    Nothing is asked before Ray runs the dataset: `iter_rows()`, `write_parquet(...)`.

    Args:
        dataset: A `ray.data.Dataset`.
        chat: Makes the client, in each actor.
        actors: How many, 1 or more; `actors` x `concurrency` requests are in flight.
        ray_options: More arguments of `map_batches`: `num_cpus`, `runtime_env`. An actor takes one
            CPU unless they say otherwise; most of the time it waits.
        **options: See `StageOptions`.

    Raises:
        ValidationError: An option is not valid, or Ray is not installed. Nothing was asked.
    """
    if find_spec("ray") is None:
        raise ValidationError('Ray is missing: pip install "lexilux_like[ray]"')
    plan = _check(options)
    if not callable(chat) or hasattr(chat, "amap"):
        raise ValidationError(
            "chat must be a function that makes a Chat, not a Chat: lambda: Chat(...)"
        )
    if (folder := options.get("journals")) is not None:
        options["journals"] = str(Path(folder).absolute())  # an actor has a folder of its own
    data: Any = import_module("ray.data")
    # The next block is begun before the last row of this one is answered; none waits in an actor
    # while another has nothing to do.
    pool = data.ActorPoolStrategy(
        size=actors, max_concurrent_calls_per_actor=2, max_tasks_in_flight_per_actor=2
    )
    settings = {
        "batch_size": 2 * plan.concurrency,  # Ray has four batches of a block at work at a time
        "batch_format": "pyarrow",
        "fn_constructor_args": (chat,),
        "fn_constructor_kwargs": dict(options),
        "compute": pool,
    }
    return dataset.map_batches(ChatStage, **{**settings, **(ray_options or {})})


def _check(options: StageOptions) -> Plan:
    """The plan of an actor's batch; refuses what is not valid, before anything is opened."""
    for name in ("journal", "ordered", "progress"):
        if name in options:
            raise ValidationError(
                f"{name}= is for chat.map(); here rows stay in order, Ray shows the progress, and"
                " journals= is a folder"
            )
    check_options(options, StageOptions)
    return planned(_mapped(options, None), model=None)


def _column(options: StageOptions) -> str | None:
    if options.get("template") is not None:
        return None
    return options.get("column") or "prompt"


def _mapped(options: StageOptions, journal: FolderJournal | None) -> MapOptions:
    """The options of `amap`."""
    rest = {name: value for name, value in options.items() if name not in {"journals", "prefix"}}
    settings = {"column": _column(options), "ordered": False, "progress": False, "journal": journal}
    return cast("MapOptions", {**rest, **settings})


def _without_nulls(value: Any) -> Any:
    """Without the fields that a message has only because another one in the column has them."""
    if is_mapping(value):
        return {name: _without_nulls(each) for name, each in value.items() if each is not None}
    return [_without_nulls(each) for each in value] if is_sequence(value) else value


def _columns(outcome: Outcome) -> dict[str, Any]:
    """What a row is told of its outcome; of one that failed, with the part that had come."""
    found: dict[str, Any] = dict.fromkeys(COLUMNS)
    found["resumed"] = outcome.resumed
    if outcome.cost is not None:
        found["cost"] = round(outcome.cost, PLACES)
    if (error := outcome.error) is not None:
        found["error"] = f"{type(error).__name__}: {error}"
    if (known := outcome.received) is not None:
        calls = [call.to_dict() for call in known.tool_calls]
        found |= {
            "text": known.text,
            "status": known.status,
            "reasoning": known.reasoning or None,
            "tool_calls": json.dumps(calls) if calls else None,
            "model": known.model,
            "input_tokens": known.usage.input_tokens,
            "output_tokens": known.usage.output_tokens,
        }
    return found
