"""django-storages: a bucket on S3 that takes files straight from the browser.

STORAGES = {"chatkit": {"BACKEND": "django_chatkit.contrib.storages.S3UploadStorage", "OPTIONS": …}}
"""

from __future__ import annotations

from typing import Any

from storages.backends.s3 import S3Storage


class S3UploadStorage(S3Storage):  # type: ignore[misc]
    """``S3Storage`` with a signed address for each announced file: for this file only, and once."""

    upload_seconds: int = 300
    """How long may an upload wait for its start?"""

    def get_default_settings(self) -> dict[str, Any]:
        """Boto still signs with version 2 in old regions, which binds neither size nor condition."""
        return {**super().get_default_settings(), "signature_version": "s3v4"}

    def presign_upload(self, name: str, mime_type: str, size: int) -> dict[str, Any]:
        params = {
            "Bucket": self.bucket_name,
            "Key": self._normalize_name(name),
            "ContentType": mime_type,
            "ContentLength": size,
            "IfNoneMatch": "*",  # nobody puts other bytes there once these were looked at
        }
        client = self.connection.meta.client
        url = client.generate_presigned_url("put_object", Params=params, ExpiresIn=self.upload_seconds)
        # In small letters, as the component writes its own: other spellings would add a second value.
        return {"url": url, "method": "PUT", "headers": {"content-type": mime_type, "if-none-match": "*"}}
