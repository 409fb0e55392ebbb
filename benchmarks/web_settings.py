"""Our settings, for a site that has the intake's peers beside our own endpoints."""

from registrar.settings import *  # noqa: F403 - these are the settings

ROOT_URLCONF = "benchmarks.web_urls"
