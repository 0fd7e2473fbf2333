"""A window as a picture: what is drawn (``window``); the shapes are those of ``schemas/scene.py``."""
