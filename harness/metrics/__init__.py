"""Scores of the benchmarks, as the reference implementations define them."""
