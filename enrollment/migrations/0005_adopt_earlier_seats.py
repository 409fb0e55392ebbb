"""Seats from before the pipeline get the first entry of their offering's history (S0-28)."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from enrollment.adoption import adopt_seats


def adopt_earlier_seats(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    adopt_seats(actor="migration")


class Migration(migrations.Migration):
    dependencies = [("enrollment", "0004_intake_older_than")]
    operations = [migrations.RunPython(adopt_earlier_seats, migrations.RunPython.noop)]
