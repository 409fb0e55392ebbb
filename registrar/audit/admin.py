"""The log, to be read: no page can change what the database refuses to change."""

import json

from django.contrib import admin
from django.utils.safestring import SafeString

from registrar.admin import ReadOnlyAdmin, WatchedAdmin, pretty, to_the_second, verbatim

from .models import Access, Entry


@admin.register(Entry)
class EntryAdmin(WatchedAdmin, ReadOnlyAdmin):
    """One entry; `seq` counts within its stream, and the hash covers it and the one before."""

    list_display = ("stream", "seq", "event", "actor", "when", "settlement", "request")
    search_fields = ("=stream", "=event", "=actor")
    search_help_text = "A whole stream (offering:12, window:3), an event, or an actor (user:7)"
    ordering = ("-id",)
    fields = ("stream", "seq", "at", "actor", "event", "settlement", "request", "text", "digest")
    readonly_fields = fields

    def whose(self, record: Entry) -> str:
        return record.stream

    @admin.display(description="at", ordering="at")
    def when(self, entry: Entry) -> str:
        return to_the_second(entry.at)

    @admin.display(description="body")
    def text(self, entry: Entry) -> SafeString:
        return pretty(json.loads(entry.body))

    @admin.display(description="hash")
    def digest(self, entry: Entry) -> SafeString:
        return verbatim(bytes(entry.hash).hex())


@admin.register(Access)
class AccessAdmin(WatchedAdmin, ReadOnlyAdmin):
    """Who read whose records; that this was read stands in it too."""

    list_display = ("when", "actor", "what", "whose_record", "route")
    list_filter = ("what",)
    search_fields = ("=actor", "=whose")
    search_help_text = "Who read (user:7), or whose records were read (student:12)"
    ordering = ("-id",)
    fields = ("at", "actor", "what", "whose", "route")
    readonly_fields = fields

    def whose(self, record: Access) -> str:
        return record.whose

    @admin.display(description="at", ordering="at")
    def when(self, access: Access) -> str:
        return to_the_second(access.at)

    @admin.display(description="whose", ordering="whose")
    def whose_record(self, access: Access) -> str:
        return access.whose
