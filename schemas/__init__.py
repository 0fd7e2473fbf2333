"""The ground of edgewatt: what one part writes and another reads.

Data (JSON Schemas, facts of the MLPerf rounds, accuracy specifications of meters) and the small code that
reads and writes that data. Imports nothing of ours.
"""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("edgewatt")
except PackageNotFoundError:  # a source tree on the path without an installation
    __version__ = "0+source"
