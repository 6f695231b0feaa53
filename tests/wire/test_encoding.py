"""Content encodings: undone in pieces, within bounds, or refused."""

from __future__ import annotations

import gzip
import random
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexilux_like.values.errors import ResponseFormatError
from lexilux_like.wire.encoding import PIECE_BYTES, Inflater

LIMIT = 48 * 1024 * 1024


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


ENCODINGS = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("x-gzip", gzip.compress),
    "zlib": ("deflate", zlib.compress),
    "raw deflate": ("Deflate ", raw_deflate),
    "identity": ("identity", bytes),
    "none": ("", bytes),
}
every_encoding = pytest.mark.parametrize("kind", ENCODINGS)
every_compression = pytest.mark.parametrize("kind", ["gzip", "zlib", "raw deflate"])


def inflated(encoding: str, *reads: bytes, limit: int = LIMIT) -> bytes:
    inflater = Inflater(encoding, limit)
    pieces = [piece for data in reads for piece in inflater.feed(data)]
    return b"".join(pieces) + inflater.end()


@every_encoding
@given(data=st.binary(max_size=500), cuts=st.lists(st.integers(0, 600), max_size=5))
def test_what_was_encoded_comes_back_however_it_is_cut(
    kind: str, data: bytes, cuts: list[int]
) -> None:
    encoding, encode = ENCODINGS[kind]
    body = encode(data)
    places = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    reads = [body[a:b] for a, b in pairwise(places)]
    assert inflated(encoding, *reads) == data


@every_encoding
def test_one_byte_per_read(kind: str) -> None:
    encoding, encode = ENCODINGS[kind]
    body = encode(b"data: 1\n\n" * 50)
    reads = (body[i : i + 1] for i in range(len(body)))
    assert inflated(encoding, *reads) == b"data: 1\n\n" * 50


def test_flushed_pieces_come_at_once() -> None:
    packer = zlib.compressobj(wbits=31)
    inflater = Inflater("gzip", LIMIT)
    for event in (b"data: 1\n\n", b"data: 2\n\n"):
        sent = packer.compress(event) + packer.flush(zlib.Z_SYNC_FLUSH)
        assert b"".join(inflater.feed(sent)) == event


def test_several_gzip_members_are_one_body() -> None:
    body = gzip.compress(b"a") + gzip.compress(b"") + gzip.compress(b"b")
    assert inflated("gzip", body) == b"ab"
    assert inflated("gzip", *(body[i : i + 1] for i in range(len(body)))) == b"ab"


def test_padding_after_gzip_is_dropped() -> None:
    assert inflated("gzip", gzip.compress(b"a") + b"\0" * 10, b"\0") == b"a"


@every_compression
def test_body_of_no_bytes_is_empty(kind: str) -> None:
    assert inflated(ENCODINGS[kind][0]) == b""


@every_compression
@pytest.mark.parametrize("kept", [1, 0.5, -1])
def test_cut_body_is_refused_at_its_end(kind: str, kept: float) -> None:
    encoding, encode = ENCODINGS[kind]
    body = encode(random.Random(1).randbytes(1_000))
    body = body[: int(kept * len(body)) if kept == 0.5 else int(kept)]
    with pytest.raises(ResponseFormatError, match="is cut"):
        inflated(encoding, body)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_corrupt_body_is_refused(encoding: str) -> None:
    with pytest.raises(ResponseFormatError, match="corrupt"):
        inflated(encoding, b"\xff this is not compressed at all")


def test_wrong_checksum_is_refused() -> None:
    body = bytearray(gzip.compress(b"data"))
    body[-6] ^= 1
    with pytest.raises(ResponseFormatError, match="corrupt"):
        inflated("gzip", bytes(body))


def test_bytes_after_gzip_are_refused() -> None:
    with pytest.raises(ResponseFormatError, match="corrupt"):
        inflated("gzip", gzip.compress(b"a") + b"more")


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, br", "\x1b[31m"])
def test_encoding_that_was_not_asked_for_is_refused(encoding: str) -> None:
    with pytest.raises(ResponseFormatError, match="was not asked for") as caught:
        Inflater(encoding, LIMIT)
    assert "\x1b" not in str(caught.value)


@every_compression
def test_bomb_is_refused_before_it_bursts(kind: str) -> None:
    encoding, encode = ENCODINGS[kind]
    pieces = Inflater(encoding, limit=5 * PIECE_BYTES).feed(encode(bytes(50 * PIECE_BYTES)))
    taken: list[int] = []
    with pytest.raises(ResponseFormatError, match="hold more than"):
        taken.extend(map(len, pieces))
    assert sum(taken) <= 5 * PIECE_BYTES


@every_compression
def test_pieces_are_bounded(kind: str) -> None:
    encoding, encode = ENCODINGS[kind]
    body = encode(bytes(10 * PIECE_BYTES))
    sizes = [len(piece) for piece in Inflater(encoding, LIMIT).feed(body)]
    assert sum(sizes) == 10 * PIECE_BYTES
    assert max(sizes) <= PIECE_BYTES


def test_long_stream_is_not_bounded_as_a_whole() -> None:
    packer = zlib.compressobj(wbits=31)
    inflater = Inflater("gzip", limit=2_000)
    for _ in range(10):
        sent = packer.compress(bytes(1_000)) + packer.flush(zlib.Z_SYNC_FLUSH)
        assert b"".join(inflater.feed(sent)) == bytes(1_000)


def test_many_members_take_linear_time_in_their_number() -> None:
    member = gzip.compress(b"x")
    assert inflated("gzip", member * 20_000) == b"x" * 20_000
