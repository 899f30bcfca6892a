"""Benchmarks: each one command, each against its yardstick in the same run."""
