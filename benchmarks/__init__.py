"""Claims and their measurements: `python -m benchmarks.NAME` prints one table and writes `out/benchmarks/NAME.json`."""
