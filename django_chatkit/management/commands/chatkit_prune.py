"""``manage.py chatkit_prune``: deletes files that were uploaded and never sent, and bytes without a row."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Sum
from django.template.defaultfilters import filesizeformat
from django.utils import timezone

from django_chatkit.models import Attachment, attachment_storage

FOLDER = "chatkit"
BATCH = 500


class Command(BaseCommand):
    help = "Delete files that were uploaded and never sent, and stored bytes that belong to no attachment."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--hours", type=float, default=24, help="leave alone what is younger: 24")
        parser.add_argument("--dry-run", action="store_true", help="only say what would be deleted")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["hours"] < 0:
            raise CommandError("--hours must not be negative.")
        before = timezone.now() - timedelta(hours=options["hours"])
        would = "Would delete" if options["dry_run"] else "Deleted"
        count, size = self.prune_uploads(before, options["dry_run"])
        self.stdout.write(f"{would} {count} files that were never sent ({filesizeformat(size)}).")
        strays = self.prune_bytes(before, options["dry_run"])
        if strays is not None:
            self.stdout.write(f"{would} {strays} stored files that belong to no attachment.")

    def prune_uploads(self, before: datetime, dry_run: bool) -> tuple[int, int]:
        found = Attachment.objects.unsent().filter(created_at__lt=before)
        count, size = found.count(), found.aggregate(size=Sum("size"))["size"] or 0
        if dry_run:
            return count, size
        count = 0
        while deleted := found.filter(pk__in=list(found.values_list("pk", flat=True)[:BATCH])).discard(
            *Attachment.State.values
        ):
            count += deleted
        return count, size

    def prune_bytes(self, before: datetime, dry_run: bool) -> int | None:
        """How many they were; None for a storage that cannot tell what it has."""
        count = 0
        try:
            for names in batches(walk(FOLDER)):
                known = set(Attachment.objects.filter(file__in=names).values_list("file", flat=True))
                strays = [name for name in names if name not in known and is_old(name, before)]
                for name in [] if dry_run else strays:
                    attachment_storage.delete(name)
                count += len(strays)
        except NotImplementedError:
            self.stdout.write("This storage cannot list its files: only rows were looked at.")
            return None
        return count


def walk(folder: str) -> Iterator[str]:
    try:
        folders, files = attachment_storage.listdir(folder)
    except FileNotFoundError:
        return
    yield from (f"{folder}/{name}" for name in files)
    for name in folders:
        yield from walk(f"{folder}/{name}")


def batches(names: Iterator[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    for name in names:
        batch.append(name)
        if len(batch) == BATCH:
            yield batch
            batch = []
    yield batch


def is_old(name: str, before: datetime) -> bool:
    modified = attachment_storage.get_modified_time(name)
    return (timezone.make_aware(modified) if timezone.is_naive(modified) else modified) < before
