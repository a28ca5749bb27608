"""Outputs in a bucket: signed, linked, and never lost with it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bucket import Bucket
from shared.outputs import Output
from shared.settings import BucketSettings, Settings, SettingsError
from tests.runtime import s3
from tests.runtime.conftest import field, node


@pytest.fixture
def bucket():
    state = s3.S3()
    server = s3.start(state)
    yield state
    server.shutdown()
    server.server_close()


def settings(bucket: s3.S3, **changes) -> dict:
    place = {
        "name": bucket.bucket,
        "endpoint": bucket.url,
        "region": bucket.region,
        "access_key_id": bucket.key_id,
        "secret_access_key": bucket.secret,
        "prefix": "made/",
        "link_seconds": 600,
    }
    return {"bucket": place | changes}


def test_outputs_go_to_the_bucket_and_come_as_links_that_expire(app, bucket):
    served = app({"1": node("Everything")}, settings=settings(bucket))
    job = served.generate().json()
    assert [output["storage"]["key"] for output in job["outputs"]] == [
        f"made/poster/{job['job']}/{index}{suffix}"
        for index, suffix in enumerate((".webp", ".mp4", ".webm", ".flac", ".glb", ".obj", ".txt"))
    ]
    for output in job["outputs"]:
        assert output["data"] is None, "the link is there instead"
        there = httpx.get(output["storage"]["url"], trust_env=False)
        assert there.status_code == 200, there.text
        assert there.content == served.http.get(output["url"]).content
        assert there.headers["content-type"] == output["media_type"]
        assert there.headers["content-disposition"] == "attachment", "never a page of that host"
        left = datetime.fromisoformat(output["storage"]["expires_at"]) - datetime.now(UTC)
        assert timedelta(seconds=500) < left <= timedelta(seconds=600)
    assert job["outputs"][-1]["text"] == "ünï"
    link = job["outputs"][0]["storage"]["url"]
    assert bucket.secret not in link
    assert httpx.get(link.replace("/0.webp", "/1.mp4"), trust_env=False).status_code == 403, "one link, one file"
    bucket.clock = timedelta(seconds=601)
    assert httpx.get(link, trust_env=False).status_code == 403, "it has expired"
    assert served.http.get(job["links"]["self"]).json()["outputs"][0]["storage"]["url"] == link, (
        "whoever polls gets the same one"
    )


def test_a_large_output_goes_in_parts(app, bucket, monkeypatch):
    monkeypatch.setattr("shared.bucket.PART_BYTES", 5 * 1024 * 1024)
    text = "0123456789abcdef" * (12 * 1024 * 1024 // 16)
    served = app({"1": node("Say", text=text)}, settings=settings(bucket))
    (output,) = served.generate().json()["outputs"]
    assert httpx.get(output["storage"]["url"], trust_env=False).text == text
    assert [method for method, _ in bucket.requests].count("PUT") == 3


def test_a_bucket_that_is_busy_is_tried_again(app, bucket):
    bucket.failures = 2
    served = app({"1": node("Say", text="x")}, settings=settings(bucket))
    (output,) = served.generate().json()["outputs"]
    assert output["storage"]["url"]
    assert [method for method, _ in bucket.requests] == ["PUT"] * 3


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"secret_access_key": "another"}, "the bucket refused the app's key"),
        ({"name": "elsewhere"}, "the bucket did not take the file"),
        ({"endpoint": "http://127.0.0.1:1"}, "the bucket did not take the file"),
    ],
)
def test_a_bucket_that_fails_costs_no_result(app, bucket, changes, words, monkeypatch):
    monkeypatch.setattr("shared.bucket.RETRY_SECONDS", 0.2)
    served = app({"1": node("Say", text="x")}, settings=settings(bucket, **changes))
    response = served.generate()
    assert response.status_code == 200
    (output,) = response.json()["outputs"]
    assert (output["storage"]["url"], output["storage"]["error"]) == (None, words)
    assert output["data"], "inline, as without a bucket"
    assert served.http.get(output["url"]).text == "x", "and behind the app's own link"
    assert bucket.secret not in response.text


def test_a_name_from_the_workflow_has_no_say_in_the_key(app, bucket):
    served = app({"1": node("Picture", width=8, height=8)}, {"n": field("integer", ("1", "seed"))}, settings(bucket))
    for seed in (1, 2):
        job = served.generate({"n": seed}).json()
        assert job["outputs"][0]["storage"]["key"] == f"made/poster/{job['job']}/0.png"
    assert len(bucket.objects) == 2


def test_settings_of_a_bucket():
    given = {
        "FLOWBERTH_S3_BUCKET": "pictures",
        "FLOWBERTH_S3_ENDPOINT": "https://0123.r2.cloudflarestorage.com",
        "FLOWBERTH_S3_ACCESS_KEY_ID": "id",
        "FLOWBERTH_S3_SECRET_ACCESS_KEY": "hush",
        "FLOWBERTH_S3_LINK_SECONDS": "3600",
    }
    bucket = Settings.from_environment(given).bucket
    assert (bucket.name, bucket.region, bucket.link_seconds) == ("pictures", "auto", 3600)
    assert "hush" not in repr(bucket)
    for change, words in (
        ({"FLOWBERTH_S3_ENDPOINT": ""}, "FLOWBERTH_S3_REGION: .*needs the bucket's region"),
        ({"FLOWBERTH_S3_ACCESS_KEY_ID": ""}, "FLOWBERTH_S3_ACCESS_KEY_ID"),
        ({"FLOWBERTH_S3_LINK_SECONDS": "700000"}, "FLOWBERTH_S3_LINK_SECONDS"),
        ({"FLOWBERTH_S3_PREFIX": "/a"}, "FLOWBERTH_S3_PREFIX"),
        ({"FLOWBERTH_S3_BUCKET": "a b"}, "FLOWBERTH_S3_BUCKET"),
    ):
        with pytest.raises(SettingsError, match=words):
            Settings.from_environment(given | change)
    assert Settings.from_environment({"FLOWBERTH_S3_REGION": "x"}).bucket is None


@given(st.text(), st.integers(0, 99))
def test_a_key_is_made_of_harmless_letters_whatever_the_file_is_called(filename, index):
    place = BucketSettings(name="pictures", region="eu-central-1", access_key_id="id", secret_access_key="secret")
    output = Output(index, "name", "9", "image", "image/png", filename, Path("0.output"), 1)
    assert re.fullmatch(rf"poster/job_1/{index}(\.[a-z0-9]{{1,12}})?", Bucket(place, "poster").key("job_1", output))
