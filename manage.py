#!/usr/bin/env python
"""Django's command line, as the owner of the database unless told otherwise."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registrar.settings")
    os.environ.setdefault("REGISTRAR_ROLE", "owner")
    execute_from_command_line(sys.argv)
