"""powerd: AC meters over serial lines, samples tied to run windows, energy with an error bar."""
