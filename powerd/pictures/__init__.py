"""A window as a picture: what is drawn (``window``), the shapes (``scene``), and how they become SVG or PNG."""
