"""What is looked at before a run: one file per subject, found by this folder."""
