"""Beat's schedule, to be read: windows write their own tasks, and the rest is in the code."""

from django.contrib import admin
from django_celery_beat import admin as beat
from django_celery_beat.models import PeriodicTask

from registrar.admin import ReadOnlyAdmin

for model in (
    PeriodicTask,
    beat.ClockedSchedule,
    beat.CrontabSchedule,
    beat.IntervalSchedule,
    beat.SolarSchedule,
):
    admin.site.unregister(model)


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(ReadOnlyAdmin):
    """What beat sends and when; moving a window's task would never move admission (D10)."""

    list_display = ("name", "task", "when", "enabled", "one_off", "last_run_at", "description")
    list_filter = ("enabled", "one_off")
    list_select_related = ("interval", "crontab", "solar", "clocked")
    search_fields = ("name", "task", "description")
    ordering = ("name",)
    fields = (
        "name",
        "task",
        "description",
        "when",
        "kwargs",
        "queue",
        "enabled",
        "one_off",
        "last_run_at",
        "total_run_count",
        "date_changed",
    )
    readonly_fields = fields

    @admin.display(description="when")
    def when(self, task: PeriodicTask) -> str:
        return str(task.scheduler)
