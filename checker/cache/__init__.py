"""What is known of files that did not change: judged units of a tree, kept in the user's cache directory.

``noted`` finds out what a unit looks at, ``snapshot`` what changed since, ``stamp`` whether it was this program that
judged, ``store`` keeps it all in one file for each tree and question. Nothing here decides: whatever is in doubt is
judged again.
"""
