"""What benchmarks of one family share: a benchmark derives from it, and says what is its own."""
