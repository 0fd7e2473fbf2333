"""mlharness: the edge benchmarks through the real LoadGen, inside power windows."""
