"""The log, to be read: no page can change what the database refuses to change."""

import json

from django.contrib import admin
from django.utils.safestring import SafeString

from registrar.admin import ReadOnlyAdmin, pretty, to_the_second, verbatim

from .models import Entry


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin):
    """One entry; `seq` counts within its stream, and the hash covers it and the one before."""

    list_display = ("stream", "seq", "event", "actor", "when", "settlement", "request")
    search_fields = ("=stream", "=event", "=actor")
    search_help_text = "A whole stream (offering:12, window:3), an event, or an actor (user:7)"
    ordering = ("-id",)
    fields = ("stream", "seq", "at", "actor", "event", "settlement", "request", "text", "digest")
    readonly_fields = fields

    @admin.display(description="at", ordering="at")
    def when(self, entry: Entry) -> str:
        return to_the_second(entry.at)

    @admin.display(description="body")
    def text(self, entry: Entry) -> SafeString:
        return pretty(json.loads(entry.body))

    @admin.display(description="hash")
    def digest(self, entry: Entry) -> SafeString:
        return verbatim(bytes(entry.hash).hex())
