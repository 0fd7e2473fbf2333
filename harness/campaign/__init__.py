"""Campaigns: many runs from one file, with a journal, so that an interruption costs one run and no more."""
