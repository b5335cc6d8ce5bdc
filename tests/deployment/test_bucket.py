import json
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from deploy.bucket import Bucket, Busy, NotInBucket, Record, Release

NAME = "zips"


@pytest.fixture
def s3(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=NAME)
        yield client
        client.close()


@pytest.fixture
def bucket(s3):
    return Bucket(s3, NAME)


def release(number: int) -> Release:
    return Release(f"zip {number}", "settings", "commit", "a moment", "somebody")


def test_zip_is_kept_under_its_hash_and_given_back(bucket, tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(b"content")

    digest = bucket.keep_zip(path)

    assert bucket.keep_zip(path) == digest
    assert bucket.zip_content(digest) == b"content"
    assert bucket.zip_address(digest) == f"s3://{NAME}/zips/{digest}.zip"


def test_zip_that_was_deleted_is_missed_by_name(bucket):
    for ask in (bucket.zip_content, bucket.zip_address):
        with pytest.raises(NotInBucket, match=r"zips/0ff\.zip in zips"):
            ask("0ff")


def test_zip_that_is_not_what_it_was_is_not_given(bucket, s3, tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(b"content")
    digest = bucket.keep_zip(path)
    s3.put_object(Bucket=NAME, Key=f"zips/{digest}.zip", Body=b"other")

    with pytest.raises(NotInBucket):
        bucket.zip_content(digest)


def test_settings_are_given_back(bucket):
    digest = bucket.keep_settings({"qa": {"timeout_seconds": 29}})

    assert bucket.settings(digest) == {"qa": {"timeout_seconds": 29}}
    with pytest.raises(NotInBucket, match=r"settings/0ff\.json"):
        bucket.settings("0ff")


def test_record_keeps_the_latest_releases_of_its_stage(bucket):
    record = Record([release(number) for number in range(25)], {"qa": {"zip": "z"}})

    bucket.write_record("qa", record)

    assert bucket.record("qa") == Record(record.releases[5:], record.installed)
    assert bucket.record("prod") == Record()


def test_record_is_settled_once_every_function_has_its_release():
    got = {"zip": "zip 1", "settings": "settings"}
    other = got | {"zip": "zip 0"}

    assert Record([release(1)], {"qa": got, "qa_worker": got}).is_settled()
    assert not Record([release(1)], {"qa": other, "qa_worker": got}).is_settled()
    assert not Record().is_settled()


def test_lock_keeps_others_away_until_it_is_let_go(bucket):
    with bucket.lock("qa") as lock:
        with pytest.raises(Busy, match=r"has been changing qa since .*make unlock"):
            bucket.lock("qa").__enter__()
        with bucket.lock("prod"):
            lock.renew()

    with bucket.lock("qa"):
        pass


def test_lock_says_since_when_however_often_it_is_renewed(bucket, monkeypatch):
    first = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
    moments = iter([first, first, first + timedelta(minutes=5), first])
    with bucket.lock("prod"):
        pass
    monkeypatch.setattr("deploy.bucket._now", lambda: next(moments, first))
    lock = bucket.lock("qa")

    with lock:
        lock.renew()
        with pytest.raises(Busy, match=r"since 2026-03-01T09:30:00"):
            bucket.lock("qa").__enter__()


def test_lock_is_let_go_after_an_error(bucket):
    with pytest.raises(RuntimeError), bucket.lock("qa"):
        raise RuntimeError

    with bucket.lock("qa"):
        pass


def test_error_is_told_rather_than_that_the_lock_could_not_be_let_go(bucket, s3):
    lock = bucket.lock("qa")
    lock.__enter__()
    empty(s3)

    # Neither raises nor says that the first error was dealt with.
    assert lock.__exit__(RuntimeError, RuntimeError("first"), None) is None


def test_lock_that_cannot_be_let_go_is_told(bucket, s3):
    with pytest.raises(ClientError, match="NoSuchBucket"), bucket.lock("qa"):
        empty(s3)


def empty(s3) -> None:
    s3.delete_object(Bucket=NAME, Key="releases/qa.lock")
    s3.delete_bucket(Bucket=NAME)


def test_expired_lock_is_taken_over_and_its_owner_told(bucket, s3):
    with bucket.lock("qa") as lost:
        expire(s3)
        with bucket.lock("qa"), pytest.raises(Busy, match="was taken away"):
            lost.renew()
    # The owner's leaving did not open the other's lock, and the other's did.
    with bucket.lock("qa"):
        pass


def test_owner_that_was_late_does_not_open_the_lock_of_the_next(bucket, s3):
    late = bucket.lock("qa")
    late.__enter__()
    expire(s3)
    with bucket.lock("qa"):
        late.__exit__(None, None, None)
        with pytest.raises(Busy):
            bucket.lock("qa").__enter__()


def test_unlock_opens_what_a_killed_deploy_left(bucket):
    bucket.lock("qa").__enter__()

    with pytest.raises(Busy):
        bucket.lock("qa").__enter__()

    bucket.unlock("qa")

    assert bucket.lock("qa").__enter__()


def expire(s3) -> None:
    """Let the time pass for which a lock of qa holds, without a change of who has it."""
    key = {"Bucket": NAME, "Key": "releases/qa.lock"}
    held = json.loads(s3.get_object(**key)["Body"].read())
    held["until"] = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    s3.put_object(**key, Body=json.dumps(held).encode())
