"""A bucket on S3, as far as it can be known without one: what boto signs."""

from urllib.parse import parse_qs, urlsplit

import pytest

pytest.importorskip("storages.backends.s3", reason="install django-storages[s3]")

from django_chatkit.contrib.storages import S3UploadStorage

KEYS = {"access_key": "key", "secret_key": "secret", "bucket_name": "shop-chat"}
# In these, boto would sign with version 2, which leaves out what the upload must keep to.
OLD_REGIONS = ["us-east-1", "eu-west-1"]


def presign(**options):
    upload = S3UploadStorage(**KEYS, **options).presign_upload("chatkit/2026/01/atc_1", "image/png", 67)
    return upload, urlsplit(upload["url"]), parse_qs(urlsplit(upload["url"]).query)


@pytest.mark.parametrize("region", [*OLD_REGIONS, "eu-central-1"])
def test_an_upload_is_bound_to_what_was_announced(region):
    upload, url, query = presign(region_name=region)
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert query["X-Amz-SignedHeaders"] == ["content-length;content-type;host;if-none-match"]
    assert query["X-Amz-Expires"] == ["300"]
    assert url.path.endswith("/chatkit/2026/01/atc_1")
    assert upload["method"] == "PUT"
    assert upload["headers"] == {"content-type": "image/png", "if-none-match": "*"}


def test_it_goes_where_the_storage_looks_for_it():
    _, url, _ = presign(region_name="eu-central-1", location="chat")
    assert url.path.endswith("/chat/chatkit/2026/01/atc_1")


def test_the_sites_other_storages_may_sign_as_they_like(settings):
    settings.AWS_S3_SIGNATURE_VERSION = "s3"
    _, _, query = presign(region_name="us-east-1")
    assert "X-Amz-SignedHeaders" in query
