"""What a run looks like while it goes on: a panel on a terminal, plain lines elsewhere."""
