"""What holds for every test of the project."""

from hypothesis import settings

settings.register_profile("gdbos", deadline=None)  # a slow machine is no failure: speed is measured by make bench
settings.load_profile("gdbos")
