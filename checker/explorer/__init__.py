"""The results explorer: records of results (``rows``, ``sources``, ``traces``), gathered from trees by ``book``, and
their views (``page``, ``pictures``, ``tables``). A view never opens a file of a submission."""
