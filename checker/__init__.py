"""mlcheck: judges a submission tree and explains every finding."""
