"""The tests mirror the package: tests/<floor>/test_<module>.py."""
