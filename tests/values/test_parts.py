"""Content parts: from URLs, bytes and files to what goes over the wire."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from lexilux_like.values.errors import ValidationError
from lexilux_like.values.parts import audio_part, file_part, image_part, text_part

PNG = b"\x89PNG\r\n\x1a\n...."
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt "
URLS = ["https://example.org/cat", "http://x/", "HTTPS://X/", "data:image/png;base64,AAAA"]
NO_URLS = ["cat.png", "/etc/passwd", "file:///etc/passwd", "ftp://x/", "", "~/.ssh/id_rsa"]


def data_url(media_type: str, data: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def image_url(part: dict) -> str:
    assert part["type"] == "image_url"
    return part["image_url"]["url"]


def test_a_text_part():
    assert text_part("Hi") == {"type": "text", "text": "Hi"}


class TestImages:
    @pytest.mark.parametrize("url", URLS)
    def test_a_url_is_passed_on(self, url: str):
        assert image_part(url) == {"type": "image_url", "image_url": {"url": url}}

    def test_detail_is_sent_when_given(self):
        part = image_part("https://x/", detail="low")
        assert part["image_url"] == {"url": "https://x/", "detail": "low"}

    @pytest.mark.parametrize("text", NO_URLS)
    def test_a_string_never_reads_a_file(self, text: str):
        with pytest.raises(ValidationError, match=r"pathlib\.Path"):
            image_part(text)

    def test_a_long_string_is_not_quoted_in_full(self):
        with pytest.raises(ValidationError) as caught:
            image_part("x" * 10_000)
        assert len(str(caught.value)) < 250

    @pytest.mark.parametrize(
        ("data", "media_type"),
        [
            (PNG, "image/png"),
            (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg"),
            (b"GIF87a..", "image/gif"),
            (b"GIF89a..", "image/gif"),
            (b"RIFF\n\x00\x00\x00WEBPVP8 ", "image/webp"),
        ],
    )
    def test_bytes_become_a_data_url_of_the_type_that_they_show(self, data: bytes, media_type: str):
        assert image_url(image_part(data)) == data_url(media_type, data)

    def test_a_file_is_read_now(self, tmp_path: Path):
        path = written(tmp_path, "cat.png", PNG)
        part = image_part(path)
        path.unlink()
        assert image_url(part) == data_url("image/png", PNG)

    def test_the_first_bytes_win_over_the_name(self, tmp_path: Path):
        assert image_url(image_part(written(tmp_path, "cat.jpg", PNG))).startswith("data:image/png")

    @pytest.mark.parametrize(
        ("name", "media_type"),
        [("cat.svg", "image/svg+xml"), ("cat.webp", "image/webp"), ("cat.BMP", "image/bmp")],
    )
    def test_the_name_tells_what_the_bytes_do_not(self, tmp_path: Path, name: str, media_type: str):
        assert image_url(image_part(written(tmp_path, name, b"..."))).startswith(
            f"data:{media_type};"
        )

    @pytest.mark.parametrize("name", ["cat", "cat.pdf", "cat.png.gz", "cat.wav"])
    def test_a_name_that_is_no_image_s_does_not_count(self, tmp_path: Path, name: str):
        with pytest.raises(ValidationError, match="pass media_type="):
            image_part(written(tmp_path, name, b"..."))

    @pytest.mark.parametrize("data", [b"", b"...", WAV, b"%PDF-1.7"])
    def test_bytes_that_are_no_image_are_refused(self, data: bytes):
        with pytest.raises(ValidationError, match="pass media_type="):
            image_part(data)

    def test_a_given_type_is_believed(self):
        assert image_url(image_part(PNG, media_type="image/x-new")).startswith("data:image/x-new;")

    def test_a_type_for_a_url_is_refused_because_it_could_not_be_sent(self):
        with pytest.raises(ValidationError, match="media_type"):
            image_part("https://x/", media_type="image/png")

    def test_a_file_that_cannot_be_read_is_a_validation_error_with_its_cause(self, tmp_path: Path):
        with pytest.raises(ValidationError, match=r"missing\.png") as caught:
            image_part(tmp_path / "missing.png")
        assert isinstance(caught.value.__cause__, FileNotFoundError)

    @pytest.mark.parametrize("source", [5, None, [PNG], Path("a\0b")])
    def test_anything_else_is_refused(self, source):
        with pytest.raises(ValidationError, match="pass bytes or the path"):
            image_part(source)


class TestAudio:
    @pytest.mark.parametrize(
        ("data", "format_"),
        [
            (WAV, "wav"),
            (b"ID3\x04\x00", "mp3"),
            (b"\xff\xfb\x90\x00", "mp3"),
            (b"\xff\xf3\x40\xc0", "mp3"),
        ],
    )
    def test_bytes_are_sent_in_the_format_that_they_show(self, data: bytes, format_: str):
        encoded = base64.b64encode(data).decode()
        assert audio_part(data) == {
            "type": "input_audio",
            "input_audio": {"data": encoded, "format": format_},
        }

    @pytest.mark.parametrize(("name", "format_"), [("a.wav", "wav"), ("a.mp3", "mp3")])
    def test_the_name_tells_what_the_bytes_do_not(self, tmp_path: Path, name: str, format_: str):
        part = audio_part(written(tmp_path, name, b"..."))
        assert part["input_audio"]["format"] == format_

    @pytest.mark.parametrize("data", [b"", b"...", PNG, b"\xff\xf1\x50\x80", b"\xff\xfeh\x00"])
    def test_another_format_is_refused(self, data: bytes):
        with pytest.raises(ValidationError, match="neither WAV nor MP3"):
            audio_part(data)

    def test_a_given_format_is_believed(self):
        assert audio_part(b"fLaC", format="flac")["input_audio"]["format"] == "flac"

    def test_a_url_is_refused(self):
        with pytest.raises(ValidationError, match="audio must be bytes or a pathlib"):
            audio_part("https://x/a.wav")  # type: ignore[arg-type]


class TestFiles:
    def test_bytes_with_a_name(self):
        data = b"%PDF-1.7"
        assert file_part(data, filename="a.pdf") == {
            "type": "file",
            "file": {"filename": "a.pdf", "file_data": data_url("application/pdf", data)},
        }

    def test_a_file_has_its_own_name(self, tmp_path: Path):
        part = file_part(written(tmp_path, "notes.txt", b"hello"))
        assert part["file"] == {
            "filename": "notes.txt",
            "file_data": data_url("text/plain", b"hello"),
        }

    def test_a_given_name_wins(self, tmp_path: Path):
        part = file_part(written(tmp_path, "notes.txt", b"hello"), filename="other.txt")
        assert part["file"]["filename"] == "other.txt"

    def test_no_name_is_invented_for_bytes(self):
        assert file_part(b"%PDF-1.7")["file"].keys() == {"file_data"}

    def test_a_url_is_passed_on(self):
        assert file_part("https://x/a.pdf")["file"] == {"file_data": "https://x/a.pdf"}

    def test_an_uploaded_file_is_named_by_its_id(self):
        assert file_part(file_id="file-1") == {"type": "file", "file": {"file_id": "file-1"}}

    def test_a_given_type_is_believed(self):
        part = file_part(b"...", media_type="application/x-new")
        assert part["file"]["file_data"].startswith("data:application/x-new;")

    def test_an_unknown_type_is_refused(self):
        with pytest.raises(ValidationError, match="pass media_type="):
            file_part(b"...")

    @pytest.mark.parametrize("source", [None, b"%PDF-"])
    def test_it_is_either_a_source_or_an_id(self, source: bytes | None):
        with pytest.raises(ValidationError, match="either a source or file_id="):
            file_part(source, file_id="file-1" if source else None)
