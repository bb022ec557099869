"""Model stores: folders or static web servers of published models, in DIGITS' format (``master.json``, ``info.json``, ``aux.json``)."""
