"""What ``powerd doctor`` looks at: one file per subject with ``check(subject)``, found by this folder."""
