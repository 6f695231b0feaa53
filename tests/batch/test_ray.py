"""The stage for Ray Data, called as Ray calls it: batch by batch, several at a time."""

from __future__ import annotations

import asyncio
import threading
from decimal import Decimal
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest
from batches import eventually, prompt_of

from lexilux_like import Chat, ValidationError
from lexilux_like.batch import BatchStoppedError, run
from lexilux_like.batch.ray import COLUMNS, ChatStage, map_dataset
from lexilux_like.testing import ScriptedServer, answer, json_reply, refuse, tool_call


@pytest.fixture
def stages(scripted_server: ScriptedServer):
    """Makes stages that ask `scripted_server`."""
    made: list[ChatStage] = []

    def make(**options) -> ChatStage:
        chat = partial(Chat, base_url=scripted_server.url, api_key="k", model="m")
        made.append(ChatStage(chat, **options))
        return made[-1]

    yield make
    for stage in made:
        stage.close()


def ask(stage: ChatStage, *batches: pa.Table) -> list[pa.Table]:
    async def together() -> list[pa.Table]:
        return await asyncio.gather(*(stage(batch) for batch in batches))

    return asyncio.run(together())


def prompts(*texts: str, **columns) -> pa.Table:
    return pa.table({"prompt": list(texts), **columns})


def test_every_row_keeps_its_columns_and_its_place(stages, echoing):
    (table,) = ask(stages(), prompts("a", "b", "c", shelf=[1, 2, 3]))
    assert table.column_names == ["prompt", "shelf", *COLUMNS]
    assert table.column("text").to_pylist() == ["A", "B", "C"]
    assert table.column("shelf").to_pylist() == [1, 2, 3]
    assert set(table.column("status").to_pylist()) == {"complete"}


def test_the_columns_have_their_types_even_where_all_rows_failed(stages, scripted_server):
    scripted_server.always(refuse(500, "no"))
    (failed,) = ask(stages(), prompts("a"))
    scripted_server.always(answer("yes"))
    (good,) = ask(stages(), prompts("a"))
    assert failed.schema == good.schema


def test_a_failed_row_has_its_error_and_the_others_their_answers(stages, scripted_server):
    scripted_server.always(
        lambda request: refuse(500, "no") if prompt_of(request) == "b" else answer("yes")
    )
    (table,) = ask(stages(), prompts("a", "b", "c"))
    assert table.column("text").to_pylist() == ["yes", None, "yes"]
    first, second, _ = table.column("error").to_pylist()
    assert first is None
    assert second.startswith("ServerError: ")


def test_the_part_of_an_answer_that_had_come_is_kept(stages, scripted_server):
    scripted_server.always(answer("one", finish_reason="length"))
    stage = stages(method="complete", resume="off", max_continues=0)
    (table,) = ask(stage, prompts("a"))
    (row,) = table.to_pylist()
    assert (row["text"], row["status"]) == ("one", "truncated")
    assert row["error"].startswith("ChatIncompleteResponseError")


def test_tool_calls_are_json(stages, scripted_server):
    message = {"role": "assistant", "content": None, "tool_calls": [tool_call("get", {"n": 1})]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    scripted_server.always(json_reply({"choices": [choice]}))
    (table,) = ask(stages(), prompts("a"))
    assert '"name": "get"' in table.column("tool_calls")[0].as_py()


def test_batches_share_one_window_and_fill_it(stages, gauge):
    tables = [prompts(*(f"{n}.{m}" for m in range(6))) for n in range(4)]
    done = ask(stages(concurrency=10), *tables)
    assert gauge.most == 10
    assert [t.column("text").to_pylist() for t in done] == [
        t.column("prompt").to_pylist() for t in tables
    ]


def test_batches_on_loops_of_their_own_are_served_by_one_stage(stages, echoing):
    stage = stages()
    texts = [ask(stage, prompts(text))[0].column("text")[0].as_py() for text in "ab"]
    assert texts == ["A", "B"]


def test_a_column_or_a_template_makes_the_prompt(stages, echoing):
    (by_column,) = ask(stages(column="q"), pa.table({"q": ["a"], "other": [1]}))
    (by_template,) = ask(stages(template="{q}-{other}"), pa.table({"q": ["a"], "other": [1]}))
    assert by_column.column("text").to_pylist() == ["A"]
    assert by_template.column("text").to_pylist() == ["A-1"]


def test_messages_are_sent_without_the_fields_that_arrow_filled_in(stages, echoing):
    plain = [{"role": "user", "content": "a"}]
    named = [{"role": "user", "content": "b", "name": "Bo"}]
    ask(stages(column="messages"), pa.table({"messages": [plain, named]}))
    sent = [request.json["messages"] for request in echoing.requests]
    assert sorted(sent, key=str) == [plain, named]


def test_a_cost_fits_its_column(stages, echoing, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("genai_prices", reason="prices are in the extra prices")
    monkeypatch.setattr(run, "cost", lambda result: Decimal("1.0000000000004"))
    (table,) = ask(stages(cost=True), prompts("a"))
    assert table.column("cost").to_pylist() == [Decimal(1)]


def test_an_option_that_is_out_of_bounds_leaves_no_journal(stages, tmp_path: Path):
    with pytest.raises(ValidationError, match="concurrency=0"):
        stages(concurrency=0, journals=tmp_path / "jobs")
    assert not (tmp_path / "jobs").exists()


def test_names_that_are_taken_want_a_prefix(stages, echoing):
    table = prompts("a", text=["mine"])
    with pytest.raises(ValidationError, match="the rows already have 'text': pass prefix="):
        ask(stages(), table)
    (done,) = ask(stages(prefix="answer_"), table)
    assert done.column("text").to_pylist() == ["mine"]
    assert done.column("answer_text").to_pylist() == ["A"]


def test_a_missing_column_and_another_format_are_told_at_once(stages, echoing):
    with pytest.raises(ValidationError, match="no column 'prompt', only 'q'"):
        ask(stages(), pa.table({"q": ["a"]}))
    with pytest.raises(ValidationError, match="batch_format='pyarrow'"):
        ask(stages(), {"prompt": ["a"]})
    assert not echoing.requests


def test_a_wrong_key_ends_the_job(stages, scripted_server):
    scripted_server.always(refuse(401, "wrong key"))
    stage = stages(stop_after=3, concurrency=1)
    with pytest.raises(BatchStoppedError, match="3 items in a row"):
        ask(stage, prompts(*"abcdefgh"))
    with pytest.raises(BatchStoppedError):
        ask(stage, prompts("i"))
    assert len(scripted_server.requests) == 3


def test_a_later_stage_asks_only_what_has_no_answer(stages, scripted_server, tmp_path: Path):
    scripted_server.always(
        lambda request: refuse(500, "no") if prompt_of(request) == "b" else answer("yes")
    )
    ask(stages(journals=tmp_path / "jobs"), prompts(*"abc"))
    scripted_server.always(answer("now"))
    (table,) = ask(stages(journals=tmp_path / "jobs"), prompts(*"cba"))
    assert table.column("text").to_pylist() == ["yes", "now", "yes"]
    assert table.column("resumed").to_pylist() == [True, False, True]
    assert len(scripted_server.requests) == 4


def test_a_batch_that_ray_repeats_is_not_paid_twice(stages, echoing, tmp_path: Path):
    stage = stages(journals=tmp_path)
    ask(stage, prompts("a"))
    (again,) = ask(stage, prompts("a"))
    assert again.column("resumed").to_pylist() == [True]
    assert len(echoing.requests) == 1


def test_equal_rows_with_ids_have_answers_of_their_own(stages, echoing, tmp_path: Path):
    stage = stages(journals=tmp_path)
    for number in (1, 2):
        ask(stage, prompts("a", id=[number]))
    assert len(echoing.requests) == 2


def test_a_slow_row_holds_back_no_other_batch(stages, scripted_server):
    others_are_done = threading.Event()

    def reply(request):
        if prompt_of(request) == "slow":
            others_are_done.wait(5)
        return answer("yes")

    async def overtake(stage: ChatStage) -> None:
        slow = asyncio.ensure_future(stage(prompts("slow")))
        await asyncio.sleep(0)
        await asyncio.wait_for(stage(prompts(*"abc")), 2)
        others_are_done.set()
        await slow

    scripted_server.always(reply)
    asyncio.run(overtake(stages(concurrency=2)))


def test_a_batch_that_is_given_up_leaves_the_stage_at_work(stages, gauge):
    async def give_up(stage: ChatStage) -> None:
        first = asyncio.ensure_future(stage(prompts("a")))
        await asyncio.to_thread(eventually, lambda: gauge.most)
        first.cancel()
        for text in "bc":
            await stage(prompts(text))

    asyncio.run(give_up(stages()))


@pytest.mark.parametrize("name", ["journal", "ordered", "progress"])
def test_options_that_mean_nothing_on_ray_are_refused(stages, name: str):
    with pytest.raises(ValidationError, match=rf"{name}= is for chat.map"):
        stages(**{name: None})


def test_an_unknown_option_is_named():
    with pytest.raises(TypeError, match="concurrency"):
        ChatStage(object, concurency=3)  # type: ignore[call-arg]


def test_an_idle_stage_closes_twice(stages):
    stage = stages()
    stage.close()
    stage.close()


def test_without_ray_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("lexilux_like.batch.ray.find_spec", lambda name: None)
    with pytest.raises(ValidationError, match=r'pip install "lexilux_like\[ray\]"'):
        map_dataset(None, Chat)


def test_a_chat_in_place_of_its_maker_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("lexilux_like.batch.ray.find_spec", lambda name: True)
    chat = Chat(base_url="http://127.0.0.1:9/v1", model="m")
    with pytest.raises(ValidationError, match="a function that makes a Chat"):
        map_dataset(None, chat)
