"""Bazel's entry point to pytest: runs the given test files."""

import sys

import pytest

if __name__ == "__main__":
    sys.exit(pytest.main(sys.argv[1:]))
