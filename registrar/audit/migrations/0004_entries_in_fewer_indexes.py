"""The log is read by stream, or whole: two indexes that every entry paid for served neither."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_append_only")]

    operations = [
        migrations.RemoveIndex(model_name="entry", name="audit_entry_settlement"),
        migrations.RemoveIndex(model_name="entry", name="audit_entry_request"),
    ]
