"""Results against results: what changed between two trees (``diff``, ``ledger``), and two beside each other
(``compare``)."""
